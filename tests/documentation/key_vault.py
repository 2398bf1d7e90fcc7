"""A stand-in for the MongoDB server of mongodb.md, which no registry has: enough of its wire protocol (OP_MSG) to keep
documents in memory and to find them by equality. Writes where it is into the file that it is given."""

import socketserver
import struct
import sys

import bson

KEPT = {}


def answer(command):
    name = next(iter(command))
    if name in ("hello", "ismaster", "isMaster"):
        return {"isWritablePrimary": True, "ismaster": True, "minWireVersion": 0, "maxWireVersion": 25,
                "maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 1000}
    if name == "insert":
        KEPT.setdefault(command[name], []).extend(command["documents"])
        return {"n": len(command["documents"])}
    if name == "find":
        found = [d for d in KEPT.get(command[name], []) if matches(d, command.get("filter", {}))]
        return {"cursor": {"id": 0, "ns": f"{command['$db']}.{command[name]}", "firstBatch": found}}
    return {}


def matches(document, query):
    """Equality, $in and $or."""
    for key, wanted in query.items():
        if key == "$or":
            if not any(matches(document, each) for each in wanted):
                return False
            continue
        value = document.get(key)
        values = wanted["$in"] if isinstance(wanted, dict) else [wanted]
        if not any(each == value or (isinstance(value, list) and each in value) for each in values):
            return False
    return True


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while header := self.rfile.read(16):
            length, request, _, opcode = struct.unpack("<iiii", header)
            body = self.rfile.read(length - 16)
            if opcode == 2013:
                reply = b"\0\0\0\0\0" + bson.encode({**answer(self.command(body)), "ok": 1.0})
                self.send(2013, request, reply)
            else:  # OP_QUERY, of the first handshake
                reply = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode({**answer({"hello": 1}), "ok": 1.0})
                self.send(1, request, reply)

    def command(self, body):
        """The one of kind 0, with the documents of a sequence of kind 1."""
        at, command = 4, {}
        while at < len(body):
            kind, size = body[at], struct.unpack_from("<i", body, at + 1)[0]
            if kind == 0:
                command = {**bson.decode(body[at + 1:at + 1 + size]), **command}
            else:
                end = body.index(b"\0", at + 5)
                name, documents = body[at + 5:end].decode(), body[end + 1:at + 1 + size]
                command = {**command, name: bson.decode_all(documents)}
            at += 1 + size
        return dict(sorted(command.items(), key=lambda item: item[0] not in ("hello", "insert", "find")))

    def send(self, opcode, request, body):
        self.wfile.write(struct.pack("<iiii", 16 + len(body), 0, request, opcode) + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Connection)
open(sys.argv[1], "w").write(f"at mongodb://127.0.0.1:{server.server_address[1]}/\n")
server.serve_forever()
