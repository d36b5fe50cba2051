// The program of the tests' pods: serves, asks and keeps, each in one call.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	limit   = 3 * time.Second
	account = "/var/run/secrets/kubernetes.io/serviceaccount/"
)

func main() {
	arguments := os.Args[2:]
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(arguments[0], arguments[1])
	case "ask":
		err = ask(http.DefaultTransport, arguments[0], "")
	case "api":
		err = api(arguments[0])
	case "resolve":
		err = resolve(arguments[0])
	case "keep":
		err = os.WriteFile(arguments[0], []byte(arguments[1]), 0o600)
	case "show":
		err = show(arguments[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(port, text string) error {
	fmt.Println("serving", text)
	return http.ListenAndServe(":"+port, http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(out, text)
	}))
}

func ask(transport http.RoundTripper, url, token string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := (&http.Client{Timeout: limit, Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

func api(url string) error {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	return ask(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}, url, string(token))
}

func resolve(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, name)
	fmt.Println(addresses)
	return err
}

func show(file string) error {
	text, err := os.ReadFile(file)
	fmt.Print(string(text))
	return err
}
