import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """The errors of an answer, each with a message and extensions["code"]."""


class Parley:
    """A client that needs nothing but Python."""

    def __init__(self, url):
        self.url = url

    def ask(self, query, variables=None):
        """Send a query or a mutation, and return its data."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with self._open(request) as response:
            return self._data(json.load(response))

    def follow(self, query, variables):
        """Yield the data of each change, for ever. After an outage it goes on after the last one."""
        while True:
            parameters = urllib.parse.urlencode({"query": query, "variables": json.dumps(variables)})
            request = urllib.request.Request(f"{self.url}?{parameters}", headers={"Accept": "text/event-stream"})
            try:
                with self._open(request) as response:
                    for line in response:
                        if line.startswith(b"data: {"):
                            data = self._data(json.loads(line[6:]))
                            variables = {**variables, "after": next(iter(data.values()))["cursor"]}
                            yield data
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(1)

    @staticmethod
    def _open(request):
        try:
            return urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as answer:
            if answer.code >= 500:
                raise
            raise Refused(json.load(answer)["errors"]) from None

    @staticmethod
    def _data(answer):
        if answer.get("errors"):
            raise Refused(answer["errors"])
        return answer["data"]
