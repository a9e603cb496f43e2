"""python3 python.py URL: does for process.mjs what is asked in lines of JSON, with parley.py."""

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes"))
sys.dont_write_bytecode = True
from parley import Parley, Refused  # noqa: E402

client = Parley(sys.argv[1])
telling = threading.Lock()


def tell(**what):
    with telling:
        print(json.dumps(what), flush=True)


def follow(number, query, variables):
    for data in client.follow(query, variables):
        tell(id=number, data=data)


for line in sys.stdin:
    asked = json.loads(line)
    number, query, variables = asked["id"], asked["query"], asked["variables"]
    if asked["follow"]:
        threading.Thread(target=follow, args=(number, query, variables), daemon=True).start()
        continue
    try:
        tell(id=number, data=client.ask(query, variables))
    except Refused as refused:
        tell(id=number, errors=refused.args[0])
