package server_test

import (
	"testing"

	"example.org/parley/server/apitest"
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

func withDemo(t testing.TB) *api {
	t.Helper()
	return &api{apitest.WithDemo(t)}
}

func startOn(t testing.TB, dsn string) *api {
	t.Helper()
	return &api{apitest.StartOn(t, dsn)}
}

func startSlowly(t *testing.T, dsn string) *api {
	t.Helper()
	return &api{apitest.StartSlowly(t, dsn)}
}

func panicking(t *testing.T) (*api, *apitest.Logged) {
	t.Helper()
	a, logs := apitest.Panicking(t)
	return &api{a}, logs
}
