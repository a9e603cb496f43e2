package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"
)

// connect returns a client for queries and mutations. It is passed to the functions that genqlient generates.
func connect(url string) graphql.Client { return graphql.NewClient(url, http.DefaultClient) }

// follow calls heard with each change after a cursor, until the context ends. After an outage it goes on after the last
// one.
func follow(ctx context.Context, url, after string, heard func(*ChangesResponse)) error {
	for {
		err := followOnce(ctx, url, after, func(data *ChangesResponse) {
			after = data.Changes.GetCursor()
			heard(data)
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
			log.Printf("subscribing again after %s: %v", after, err)
		}
	}
}

func followOnce(ctx context.Context, url, after string, heard func(*ChangesResponse)) error {
	client := graphql.NewClientUsingWebSocket("ws"+strings.TrimPrefix(url, "http"), dialer{})
	failed, err := client.Start(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	changes, _, err := Changes(ctx, client, &after)
	for err == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err = <-failed:
		case change, open := <-changes:
			switch {
			case !open:
				err = errors.New("the subscription ended")
			case change.Errors != nil:
				err = change.Errors
			default:
				heard(change.Data)
			}
		}
	}
	return err
}

type dialer struct{}

func (dialer) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, url, header)
	return conn, err
}
