#!/usr/bin/env python3
"""An operator: shows what sleds ask for, and sends what is typed: y or n.

    UPLINK_TOKEN=... decide.py https://gateway/v1
"""
import json, os, queue, random, sys, threading, time, urllib.request

from ws import Closed, WebSocket

api = sys.argv[1]
me = json.load(urllib.request.urlopen(urllib.request.Request(
    api + "/operators", b"{}", {"Content-Type": "application/json",
    "Authorization": "Bearer " + os.environ.get("UPLINK_TOKEN", "")})))

link, shown, questions = None, set(), queue.Queue()


def say(*words):                # a line at once, as two threads do it
    print(" ".join(words) + "\n", end="", flush=True)


def person():
    while True:
        message = questions.get()
        say(message["sled"], "asks:", message["tool_name"],
            json.dumps(message["tool_input"]), "[y/n]")
        yes = sys.stdin.readline().strip() == "y"
        try:
            link.send({"type": "perm_response", "approved": yes,
                       **{k: message[k] for k in ("req_id", "input_sha256")}})
        except OSError:
            shown.discard(message["req_id"])    # it comes again


def session(ws, until=None):
    global link
    link = ws
    while True:
        message = ws.receive(until)
        if message is None:
            return
        kind = message["type"]
        if kind == "perm_request" and message["req_id"] not in shown:
            shown.add(message["req_id"])        # after a reconnect: again
            questions.put(message)
        elif kind in ("request_state", "error"):
            say(kind, json.dumps(message))
        elif kind == "drain":
            until = time.time() + message["reconnect_after_ms"] / 1000


threading.Thread(target=person, daemon=True).start()
while True:
    try:
        session(WebSocket("ws" + api[4:] + f"/operators/{me['sid']}/ws",
                          token=me["token"]))
    except (Closed, OSError) as e:
        if getattr(e, "code", 0) in (1000, 1008, 4001):
            sys.exit(f"the session is over: {e}")
        time.sleep(random.uniform(0.1, 2))
