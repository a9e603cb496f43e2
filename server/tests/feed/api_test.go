// Package feed_test tests how changes reach subscribers: the feed, and the transports that carry it.
package feed_test

import (
	"testing"
	"time"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) { apitest.Main(m) }

// api is a server under test, with the questions that this package asks of it.
type api struct{ *apitest.API }

func start(t testing.TB) *api {
	t.Helper()
	return &api{apitest.Start(t)}
}

func withTalks(t testing.TB) *api {
	t.Helper()
	return &api{apitest.WithTalks(t)}
}

func startOn(t testing.TB, dsn string) *api {
	t.Helper()
	return &api{apitest.StartOn(t, dsn)}
}

func startSlowly(t *testing.T, dsn string) *api {
	t.Helper()
	return &api{apitest.StartSlowly(t, dsn)}
}

func startPolling(t testing.TB, dsn string, poll time.Duration) *api {
	t.Helper()
	return &api{apitest.StartPolling(t, dsn, poll)}
}

func startWith(t testing.TB, o storage.Options, poll time.Duration, changed ...func(*server.Options)) *api {
	t.Helper()
	return &api{apitest.StartWith(t, o, poll, changed...)}
}

func panicking(t *testing.T) (*api, *apitest.Logged) {
	t.Helper()
	a, logs := apitest.Panicking(t)
	return &api{a}, logs
}
