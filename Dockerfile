# An image with the program alone: docker build -t parley .
# It has no PostgreSQL, so it needs a database's URL; compose.yaml runs both.

FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# With .git, from which Go takes the version. So .dockerignore leaves out nothing that git keeps.
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /parley ./cmd/parley

FROM scratch
# The authorities of a database's or another server's certificate.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /parley /usr/local/bin/parley
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/local/bin/parley", "health", "http://127.0.0.1:8080"]
ENTRYPOINT ["/usr/local/bin/parley"]
# Nobody outside of the container reaches this; compose.yaml says what lets others in.
CMD ["serve"]
