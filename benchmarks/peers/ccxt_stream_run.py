"""ccxt.pro's Hyperliquid client, as it comes, on our sender: port, file of stamps, rate, count, how in; one JSON line out."""

import json
import mmap
import struct
import sys
import time

import ccxt.pro
import uvloop

SYMBOL = "BTC/USDC:USDC"


async def run(port: str, stamps: mmap.mmap, rate: str, count: int, how: str) -> dict:
    client = ccxt.pro.hyperliquid()
    market = client.safe_market_structure(
        {
            "id": "0", "symbol": SYMBOL, "base": "BTC", "baseName": "BTC", "quote": "USDC", "settle": "USDC",
            "type": "swap", "swap": True, "contract": True, "linear": True, "active": True, "contractSize": 1.0,
        }
    )  # fmt: skip
    client.set_markets([market])
    client.urls["api"]["ws"]["public"] = f"ws://127.0.0.1:{port}/book/{rate}/{count}{how}"
    late, first, number = [], 0, 0
    while number < count:
        book = await client.watch_order_book(SYMBOL)
        now = time.time_ns()
        number = int(book["bids"][0][1])
        first = first or now
        late.append((now - struct.unpack_from("q", stamps, 8 * number)[0]) / 1000)
    elapsed = (now - first) / 1e9
    await client.close()
    late = sorted(late[len(late) // 5 :])
    return {
        "p50_us": late[len(late) // 2], "p99_us": late[int(len(late) * 0.99)],
        "per_s": count / elapsed, "woken": len(late), "sent": count,
    }  # fmt: skip


if __name__ == "__main__":
    with open(sys.argv[2], "r+b") as file:
        print(
            json.dumps(
                uvloop.run(run(sys.argv[1], mmap.mmap(file.fileno(), 0), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
            )
        )
