// Stands in for docker.io/go-docker, which its own host no longer serves; the server compiles without it.
module docker.io/go-docker
