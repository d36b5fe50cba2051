"""Ingress controller that stands in for F5's, around Debian's nginx: `python3 -m rehearsal.ingress --help`.

Runs in a pod with the flags, the ports, the permissions and the user that F5's chart gives. nginx gets for each Ingress
the same directives that F5's controller 5.5 writes without NGINX Plus, so that hosts, certificates, sizes of bodies,
timeouts, WebSockets, the proxy protocol and limits are those of the real one.

Unlike F5's:
- A flag, a key of the ConfigMap or an annotation that is not known here is refused; F5's ignores what it does not know.
- A configuration that nginx refuses is never put in place; F5's leaves the file, and reloads nothing until then.
- Each replica writes the Ingresses' addresses, which are the same, so nobody is elected.
- Absent: custom resources, snippets in Ingresses, mergeable Ingresses, Ingresses without a host, latency metrics.
"""
