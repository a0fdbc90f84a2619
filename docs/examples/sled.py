#!/usr/bin/env python3
"""A sled: asks whether it may run a command, and runs it after a yes.

    UPLINK_TOKEN=... sled.py wss://gateway/api/sled-uplink NAME COMMAND
"""
import json, os, random, subprocess, sys, time, uuid

from ws import Closed, WebSocket

url, name, command = sys.argv[1:]
ask = str(uuid.uuid4())
ticket, asked = None, False             # what it takes to resume


def session(ws, until=None):
    """One connection: the answer, or None if it is to dial again."""
    global ticket, asked
    ws.send({"type": "register", "req_id": "hello", "payload": {
        "protocol_version": 2, "agent_id": name, "resume": ticket,
        "auth_token": os.environ.get("UPLINK_TOKEN"),
        "capabilities": {"features": {"resume": True, "receipts": True}}}})
    while True:
        message = ws.receive(until)
        if message is None:
            return None
        kind, body = message["type"], message["payload"]
        if kind == "registered" and not body["success"]:
            return {"reason": body["error"]}
        if kind == "registered":
            print("registered", "again" if body["resumed"] else "", flush=True)
            if asked and not body["resumed"]:
                return {"reason": "lost"}   # it ended with the old place
            ticket = {k: body[k] for k in ("connection_id", "resume_token")}
            if not asked:
                ws.send({"type": "perm_request", "req_id": ask, "payload": {
                    "tool_name": "Bash", "tool_input": {"command": command}}})
                asked = True
        elif kind == "perm_response" and message["req_id"] == ask:
            ws.send({"type": "perm_ack", "req_id": ask})
            tool = body.get("updated_input") or {"command": command}
            done = (body["approved"] is True    # else it is a no
                    and subprocess.call(tool["command"], shell=True) == 0)
            ws.send({"type": "perm_applied", "req_id": ask,
                     "payload": {"applied": done}})
            ws.close()
            return body
        elif kind == "drain":           # this worker leaves: go at that time
            until = time.time() + body["reconnect_after_ms"] / 1000


answer = None
while answer is None:
    try:
        answer = session(WebSocket(url))
    except (Closed, OSError) as e:
        if getattr(e, "code", 0) in (1008, 4003):
            answer = {"reason": str(e)}
        time.sleep(random.uniform(0.1, 2))
print("answer:", json.dumps(answer))
sys.exit(0 if answer.get("approved") is True else 1)
