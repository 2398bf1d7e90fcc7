"""Makes keys for scale.sh, and measures a second gateway on the same token and database."""

import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

WHAT, STRONGROOM, DIR, URL, *REST = sys.argv[1:]
IDS = f"{DIR}/token-keys.json"
BIG = ["kms_key", "key_version", "material_set", "alias", "kms_grant", "key_usage", "gcm_reservation", "audit_record",
       "audit_leaf", "audit_group", "audit_group_leaf"]
random.seed(1)


def kms(endpoint, attempts=1):
    return boto3.client("kms", endpoint_url=endpoint,
                        config=Config(retries={"total_max_attempts": attempts}, read_timeout=600))


def sql(query):
    answer = subprocess.run(["psql", "-qAtd", URL, "-c", query], check=True, capture_output=True, text=True).stdout
    return answer.split()


def create(many):
    client = kms(os.environ["AWS_ENDPOINT_URL_KMS"], attempts=5)
    begun, keys = time.monotonic(), []
    with ThreadPoolExecutor(2) as pool:
        for key in pool.map(lambda _: client.create_key()["KeyMetadata"], range(many)):
            keys.append(key["KeyId"])
            if len(keys) % 1000 == 0:
                print(f"{len(keys)} keys on the token after {time.monotonic() - begun:.0f} s", flush=True)
    json.dump(keys, open(IDS, "w"))
    open(f"{DIR}/key", "w").write(key["Arn"])
    print(f"{many} keys on the token in {time.monotonic() - begun:.0f} s")


class Gateway:
    """A second one, which knows no key yet."""

    def __enter__(self):
        own = {"STRONGROOM_SERVER_LISTEN": "127.0.0.1:0", "STRONGROOM_SERVER_ADMIN_LISTEN": "127.0.0.1:0"}
        command = [STRONGROOM, "serve", "--config", f"{DIR}/dev/strongroom.toml"]
        begun = time.monotonic()
        self.process = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if said := re.search(r"serving on (\S+), health on (\S+)", line):
                break
        else:
            sys.exit("the second gateway does not start")
        self.log = open(f"{DIR}/second.log", "w")
        self.drain = ThreadPoolExecutor(1).submit(lambda: self.log.writelines(self.process.stderr))
        api, self.admin = said.groups()
        while True:
            try:
                urllib.request.urlopen(f"{self.admin}/readyz").read()
                break
            except urllib.error.HTTPError:
                time.sleep(0.005)
        self.started = time.monotonic() - begun
        self.kms = kms(api)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def rss(self):
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def times(calls):
    taken = []
    for call in calls:
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def shown(taken):
    ordered = sorted(taken)
    return (f"median {statistics.median(ordered):.1f} ms, p99 {ordered[len(ordered) * 99 // 100]:.1f} ms, "
            f"most {ordered[-1]:.1f} ms")


def figures(keys):
    starts = []
    for _ in range(5):
        with Gateway() as gateway:
            starts.append(gateway.started * 1000)
    print(f"ready after {statistics.median(starts):.0f} ms ({min(starts):.0f}-{max(starts):.0f})")

    on_token = json.load(open(IDS))
    with Gateway() as gateway:
        print(f"memory when ready: {gateway.rss() / 1e6:.1f} MB")
        some = random.sample(on_token, min(1000, len(on_token)))
        ask = [lambda key=key: gateway.kms.encrypt(KeyId=key, Plaintext=b"7" * 32) for key in some]
        times(ask[:1])
        # As below: what all of them need together is there once a half of them is.
        half = len(ask) // 2
        taken, before = times(ask[1:half]), gateway.rss()
        taken, after = taken + times(ask[half:]), gateway.rss()
        print(f"Encrypt with a key for the first time: {shown(taken)}")
        print(f"Encrypt with it again:                 {shown(times(ask[1:]))}")
        each = (after - before) / len(ask[half:])
        print(f"memory of a key that encrypts: {each:.0f} bytes, with the module's own of its object")

    # What a gateway has in memory of a key, once what it has of nothing in particular is there.
    ids = sql(f"select key_id from kms_key order by random() limit {min(keys, 50_000)}")
    first, rest = ids[:len(ids) // 5], ids[len(ids) // 5:]
    with Gateway() as gateway:
        with ThreadPoolExecutor(4) as pool:
            def describe(ids):
                for _ in pool.map(lambda key: gateway.kms.describe_key(KeyId=key), ids):
                    pass
                return gateway.rss()

            before = describe(first)
            after = describe(rest)
        print(f"memory of a key: {(after - before) / len(rest):.0f} bytes, over {len(rest)} keys; "
              f"{after / 1e6:.1f} MB in all")

        pages, marker = [], {}
        while marker is not None:
            begun = time.perf_counter()
            answer = gateway.kms.list_keys(Limit=1000, **marker)
            pages.append((time.perf_counter() - begun) * 1000)
            marker = {"Marker": answer["NextMarker"]} if answer["Truncated"] else None
        tenth = max(1, len(pages) // 10)
        middle = len(pages) // 2
        for name, part in (("first", pages[:tenth]), ("middle", pages[middle:middle + tenth]), ("last", pages[-tenth:])):
            print(f"ListKeys, pages of 1000, the {name} {len(part)} of {len(pages)}: {shown(part)}")

        # All rounds of two gateways, and their figures for the metrics.
        read = "select relname || ':' || seq_tup_read from pg_stat_user_tables order by relname"
        before = dict(row.split(":") for row in sql(read))
        time.sleep(70)
        after = dict(row.split(":") for row in sql(read))
        read = {table: int(after[table]) - int(before[table]) for table in BIG}
        print(f"rows read by scans of whole tables in 70 s of the workers: {sum(read.values())}",
              {table: rows for table, rows in read.items() if rows} or "")


create(int(REST[0])) if WHAT == "create" else figures(int(REST[0]))
