// Package history_test tests what reads how through a lens, however the record grew, and what archives keep of it.
package history_test

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
