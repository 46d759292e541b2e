"""What the pool sends over real sockets, and what it returns.

Cases run on every event loop only if they depend on the loop's transports.
"""

import asyncio
import datetime as dt
import gzip
import pickle
import ssl
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from alexa_props import SmartProperties
from alexa_props.errors import ConfigurationError
from alexa_props.pipeline.pool import Pool
from alexa_props.pipeline.pool.routes import Proxies
from tests import loops
from tests.helpers import NoAuth
from tests.pipeline.pool_servers import Exchange, Proxy, Server, answering, ok, until

on_every_loop = pytest.mark.parametrize("anyio_backend", loops.EVERY)


@pytest.fixture(autouse=True)
def no_proxy_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    yield pool
    await pool.aclose()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def get(url: str, **options: Any) -> httpx.Request:
    return httpx.Request("GET", url, **options)


# Requests


@pytest.mark.parametrize(
    "target",
    [
        "/a%2E%2E/%2e/..%2Fb%7C~?x=%5B1%5D&y=a+b%20c",
        "/a//b;c=1,d:e@f!$&'()*?q=a/b?c",
        "/%zz/%C3%A9?n=é|^&&k=&=v&q=%3F%23",
    ],
)
async def test_sends_httpxs_target_byte_for_byte(pool: Pool, target: str) -> None:
    async with Server(answering(ok())).running() as server:
        request = get(server.url + target)
        await pool.handle_async_request(request)
    assert server.requests[0].target == request.url.raw_path.decode()


async def test_leaves_out_only_the_mark_of_an_empty_query(pool: Pool) -> None:
    async with Server(answering(ok())).running() as server:
        await pool.handle_async_request(get(server.url + "/a?"))
    assert server.requests[0].target == "/a"


async def test_sends_neither_user_nor_fragment(pool: Pool) -> None:
    async with Server(answering(ok())).running() as server:
        url = f"http://user:pw@localhost:{server.port}/a#part"
        await pool.handle_async_request(get(url, headers={"Authorization": "Bearer t"}))
    assert server.requests[0].target == "/a"
    assert server.requests[0].header("authorization") == "Bearer t"


async def test_sends_headers_unchanged_and_adds_none(pool: Pool) -> None:
    given = [(b"Host", b"api.example.com"), (b"X-B", b"2"), (b"x-a", b"1"), (b"X-B", b"3"), (b"X-C", "ü".encode())]
    async with Server(answering(ok())).running() as server:
        await pool.handle_async_request(get(server.url, headers=given))
    sent = server.requests[0].headers
    assert sent == [
        ("Host", "api.example.com"),
        ("Accept-Encoding", "identity"),
        ("X-B", "2"),
        ("x-a", "1"),
        ("X-B", "3"),
        ("X-C", "ü".encode().decode("latin-1")),
    ]


async def test_sends_a_body_unchanged_and_adds_no_content_type(pool: Pool) -> None:
    async with Server(answering(ok())).running() as server:
        await pool.handle_async_request(httpx.Request("POST", server.url, content=b'{"a": 1}'))
        await pool.handle_async_request(httpx.Request("POST", server.url))
        await pool.handle_async_request(httpx.Request("PUT", server.url, json={"b": 2}))
    first, empty, json = server.requests
    assert (first.body, first.header("content-type"), first.header("content-length")) == (b'{"a": 1}', None, "8")
    assert (empty.body, empty.header("content-length")) == (b"", "0")
    assert (json.body, json.header("content-type")) == (b'{"b":2}', "application/json")
    assert [name for name, _ in json.headers].count("Content-Length") == 1


async def test_sends_a_streamed_body_with_its_length(pool: Pool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with Server(answering(ok())).running() as server:
        await pool.handle_async_request(httpx.Request("POST", server.url, content=parts()))
    sent = server.requests[0]
    assert (sent.body, sent.header("content-length"), sent.header("transfer-encoding")) == (b"one two", "7", None)


async def test_does_not_wait_for_a_100(pool: Pool) -> None:
    async with Server(answering(ok())).running() as server, asyncio.timeout(5):
        request = httpx.Request("POST", server.url, content=b"body", headers={"Expect": " 100-Continue", "X-A": "1"})
        assert (await pool.handle_async_request(request)).status_code == 200
    sent = server.requests[0]
    assert (sent.body, sent.header("expect"), sent.header("x-a")) == (b"body", None, "1")


@on_every_loop
async def test_sends_a_long_body_completely(pool: Pool, anyio_backend: object) -> None:
    body = bytes(range(256)) * 12_000  # 3 MB: in pieces
    async with Server(answering(ok())).running() as server:
        request = httpx.Request("POST", server.url, content=body, extensions={"timeout": {"write": 5.0}})
        assert (await pool.handle_async_request(request)).status_code == 200
    assert server.requests[0].body == body


async def test_an_httpx_client_on_the_pool_asks_for_no_compression() -> None:
    async with Server(answering(ok())).running() as server, httpx.AsyncClient(transport=Pool()) as client:
        assert (await client.get(server.url)).json() == {}
    assert [value for name, value in server.requests[0].headers if name.lower() == "accept-encoding"] == ["identity"]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (get("ftp://localhost/"), httpx.UnsupportedProtocol),
        (get("/path"), httpx.UnsupportedProtocol),
        (get("http:///path"), httpx.LocalProtocolError),
        (httpx.Request("G T", "http://localhost:9/"), httpx.LocalProtocolError),
        (get("http://localhost:9/", headers={"X-A": "a\r\nX-B: b"}), httpx.LocalProtocolError),
        (get("http://localhost:9/", headers={"X A": "a"}), httpx.LocalProtocolError),
        (get("http://localhost:9/", headers=[(b"X-A", b"\xff")]), httpx.LocalProtocolError),
        (get("http://localhost:9/", headers={"Content-Length": "9"}), httpx.LocalProtocolError),
    ],
    ids=str,
)
async def test_refuses_requests_that_cannot_be_sent(pool: Pool, request_: httpx.Request, kind: type[Exception]) -> None:
    with pytest.raises(httpx.TransportError) as caught:
        await pool.handle_async_request(request_)
    assert type(caught.value) is kind
    assert pool.in_flight == 0


# Responses


async def test_returns_an_httpx_response(pool: Pool) -> None:
    raw = b"HTTP/1.0 299 So So\r\nSet-Cookie: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nhi"
    async with Server(answering(raw, close=True)).running() as server:
        request = get(server.url)
        response = await pool.handle_async_request(request)
    assert (response.status_code, response.content, response.text) == (299, b"hi", "hi")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers.raw[1] == (b"X-One", b"1")
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.0", "So So")
    assert response.extensions["repeated"] == 0
    assert response.request is request
    assert response.is_closed


@pytest.mark.parametrize("answer", [ok(b"one\ntwo"), ok(b"")])
async def test_a_response_reads_like_httpxs_and_repeatedly(pool: Pool, answer: bytes) -> None:
    async with Server(answering(answer)).running() as server:
        response = await pool.handle_async_request(get(server.url))
    like = httpx.Response(200, headers=response.headers, content=answer.partition(b"\r\n\r\n")[2])
    assert (response.is_closed, response.is_stream_consumed) == (like.is_closed, like.is_stream_consumed)
    for _ in range(2):
        assert response.read() == await response.aread() == like.read()
        assert list(response.iter_bytes(2)) == [part async for part in response.aiter_bytes(2)]
        assert list(response.iter_bytes(2)) == list(like.iter_bytes(2))
        assert list(response.iter_lines()) == [line async for line in response.aiter_lines()] == list(like.iter_lines())
        assert list(response.iter_raw(2)) == [part async for part in response.aiter_raw(2)] == list(like.iter_bytes(2))
        assert response.num_bytes_downloaded == len(like.content)
    again = pickle.loads(pickle.dumps(response))
    assert (again.content, again.headers) == (like.content, like.headers)


@pytest.mark.parametrize("own", [True, False], ids=["another transport", "the pool"])
async def test_responses_have_elapsed_and_raw_bytes(own: bool) -> None:
    async with Server(answering(ok(b"one two"))).running() as server:
        options: dict[str, Any] = {"base_url": server.url, "auth": NoAuth()}
        transport = httpx.AsyncHTTPTransport(retries=0) if own else None
        async with (
            SmartProperties(transport=transport, **options) as client,
            httpx.AsyncClient(transport=client.pipeline, base_url=options["base_url"]) as outside,
        ):
            got = [await client.request("GET", "/v2/x"), await outside.get("/v2/x")]
            async with outside.stream("GET", "/v2/x") as streamed:
                got.append(streamed)
                assert [part async for part in streamed.aiter_bytes()] == [b"one two"]
            for response in got:
                assert dt.timedelta() < response.elapsed < dt.timedelta(seconds=60)
                if not own:
                    assert [part async for part in response.aiter_raw(4)] == [b"one ", b"two"]
                    assert response.num_bytes_downloaded == 7


async def test_stores_no_cookies_and_follows_no_redirects(pool: Pool) -> None:
    answer = ok(b"", b"Set-Cookie: session=1; Path=/", b"Location: /elsewhere", status=b"302 Found")
    async with Server(answering(answer)).running() as server:
        for _ in range(2):
            assert (await pool.handle_async_request(get(server.url))).status_code == 302
    assert [request.target for request in server.requests] == ["/", "/"]
    assert server.requests[1].header("cookie") is None


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Encoding: gzip\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n"),
        ("DELETE", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_reuses_the_connection_after_a_response_without_a_body(pool: Pool, method: str, answer: bytes) -> None:
    async with Server(answering(answer)).running() as server:
        for _ in range(2):
            response = await pool.handle_async_request(httpx.Request(method, server.url))
            assert response.content == b""
        assert server.connections == 1


@on_every_loop
@pytest.mark.parametrize(
    "case",
    [
        ("DELETE", 204, b"", 1_000_000),
        ("DELETE", 204, b"Transfer-Encoding: chunked\r\n", 7),
        ("GET", 304, b"Content-Length: 5\r\n", 7),
        ("HEAD", 200, b"Content-Length: 5\r\n", 1_000_000),
        ("HEAD", 200, b"", 7),
    ],
    ids=str,
)
async def test_drops_a_body_that_the_response_cannot_have_with_its_connection(
    pool: Pool, case: tuple[str, int, bytes, int], anyio_backend: object
) -> None:
    method, status, headers, size = case
    head = b"\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 %d So\r\nX-A: 1\r\n%b\r\n" % (status, headers)
    data = head + b"5\r\nhello\r\n0\r\n\r\n" + ok(b"another answer")

    async def answer(exchange: Exchange) -> None:
        for start in range(0, len(data), size):
            if not exchange.writer.is_closing():
                exchange.writer.write(data[start : start + size])
                await asyncio.sleep(0)

    async with Server(answer).running() as server:
        for number in range(1, 3):
            response = await pool.handle_async_request(httpx.Request(method, server.url))
            assert (response.status_code, response.content, response.headers["x-a"]) == (status, b"", "1")
            await until(lambda: server.open == 0)
            assert server.connections == number


@pytest.mark.parametrize("header", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
async def test_does_not_reuse_a_connection_on_which_such_a_body_is_announced(pool: Pool, header: bytes) -> None:
    async with Server(answering(b"HTTP/1.1 204 No Content\r\n" + header + b"\r\n\r\n")).running() as server:
        for number in range(1, 3):
            assert (await pool.handle_async_request(get(server.url))).status_code == 204
            assert server.connections == number


@on_every_loop
async def test_reuses_connections(pool: Pool, anyio_backend: object) -> None:
    async with Server(answering(ok(b"x" * 100_000))).running() as server:
        for _ in range(20):
            assert len((await pool.handle_async_request(get(server.url))).content) == 100_000
        assert (server.connections, len(server.requests)) == (1, 20)


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:7]) + bytes(9) + gzip.compress(data[7:]) + bytes(100_000)),
        ("gzip", lambda data: b"".join(gzip.compress(data[n : n + 1]) for n in range(len(data)))),
        ("none", bytes),
        ("utf-8, gzip,, identity", gzip.compress),
    ],
)
async def test_decodes_a_body_that_is_encoded_unasked(
    pool: Pool, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    plain = b'{"name": "Room 1"}' * 50
    headers = b"Content-Encoding: " + coding.encode()
    async with Server(answering(ok(encode(plain), headers, b"X-A: 1"))).running() as server:
        response = await pool.handle_async_request(get(server.url))
    assert response.content == plain
    assert "content-encoding" not in response.headers
    assert response.headers["content-length"] == str(len(plain))
    assert response.headers["x-a"] == "1"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"br", b"whatever"),
        (b"gzip", b"no gzip at all"),
        (b"gzip", gzip.compress(b"cut off")[:-4]),
        (b"gzip", gzip.compress(b"one") + b"more"),
        (b"gzip", gzip.compress(bytes(600_000)) * 2),
        (b"gzip", gzip.compress(b"") * 20_000),
        (b"deflate", zlib.compress(b"one") + bytes(1)),
        (b"deflate", b"\x78\x9c not deflate"),
        (b"deflate, gzip", gzip.compress(b"")),
        (b"gzip", gzip.compress(bytes(3_000_000))),  # 3 kB that become more than max_body
        (b"gzip, gzip", gzip.compress(gzip.compress(bytes(3_000_000)))),
    ],
    # Not the bytes: gzip's hold the time.
    ids=[
        "unknown",
        "none",
        "cut",
        "more",
        "two bombs",
        "many",
        "padded",
        "no deflate",
        "one of two",
        "bomb",
        "bomb in a bomb",
    ],
)
async def test_a_body_that_cannot_be_decoded_is_an_error(coding: bytes, body: bytes) -> None:
    pool = Pool(max_body=1_000_000)
    async with Server(answering(ok(body, b"Content-Encoding: " + coding))).running() as server:
        with pytest.raises(httpx.DecodingError):
            await pool.handle_async_request(get(server.url))
        assert pool.in_flight == 0
        with pytest.raises(httpx.DecodingError):
            await pool.handle_async_request(get(server.url))
        assert server.connections == 1  # the body was read to its end, so the connection is good
    await pool.aclose()


@pytest.mark.parametrize(("name", "shown"), [(b"zstd", "'zstd'"), (b"zstd" + b"d" * 50_000, "of 50004 characters")])
async def test_quotes_an_unknown_encoding_only_if_it_is_short(pool: Pool, name: bytes, shown: str) -> None:
    async with Server(answering(ok(b"x", b"Content-Encoding: " + name))).running() as server:
        with pytest.raises(httpx.DecodingError, match=f"the content encoding {shown} was not asked for"):
            await pool.handle_async_request(get(server.url))


@pytest.mark.parametrize(
    ("coding", "encode"),
    [(b"deflate", zlib.compress), (b"gzip, gzip", lambda data: gzip.compress(gzip.compress(data)))],
    ids=["deflate", "gzip in gzip"],
)
async def test_decoding_takes_no_more_memory_than_max_body(coding: bytes, encode: Callable[[bytes], bytes]) -> None:
    limit = 250_000
    body = ok(encode(bytes(64 * limit)), b"Content-Encoding: " + coding)
    pool = Pool(max_body=limit)
    async with Server(answering(body)).running() as server:
        tracemalloc.start()
        try:
            with pytest.raises(httpx.DecodingError, match="longer than max_body"):
                await pool.handle_async_request(get(server.url))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    await pool.aclose()
    assert peak < 8 * limit


@on_every_loop
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_closes_the_connection(chunked: bool, anyio_backend: object) -> None:
    async def answer(exchange: Exchange) -> None:
        size = int(exchange.request.target[1:])
        if chunked:
            exchange.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            exchange.writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)))
        else:
            exchange.writer.write(ok(bytes(size)))

    pool = Pool(max_body=100_000)
    async with Server(answer).running() as server:
        assert len((await pool.handle_async_request(get(server.url + "/100000"))).content) == 100_000
        with pytest.raises(httpx.DecodingError, match="longer than max_body, 100000 bytes"):
            await pool.handle_async_request(get(server.url + "/5000000"))
        await until(lambda: server.open == 0)
        await pool.handle_async_request(get(server.url + "/1"))
        assert server.connections == 2
    await pool.aclose()


# TLS


@on_every_loop
async def test_tls_with_a_file_a_folder_and_a_context(
    ca_file: Path, server_tls: ssl.SSLContext, tmp_path: Path, anyio_backend: object
) -> None:
    context = ssl.create_default_context(cafile=ca_file)
    async with Server(answering(ok()), tls=server_tls).running() as server:
        for verify in (ca_file, str(ca_file), context):
            pool = Pool(verify=verify)
            assert (await pool.handle_async_request(get(server.url))).status_code == 200
            await pool.aclose()
        pool = Pool(verify=tmp_path)  # a folder, with nothing in it
        with pytest.raises(httpx.ConnectError, match="certificate was not accepted"):
            await pool.handle_async_request(get(server.url))
        await pool.aclose()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", None])
async def test_tls_from_the_environment(
    name: str | None, ca_file: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if name:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        monkeypatch.setenv(name, str(ca_file if name == "SSL_CERT_FILE" else tmp_path))
    pool = Pool()
    async with Server(answering(ok()), tls=server_tls).running() as server:
        if name == "SSL_CERT_FILE":
            assert (await pool.handle_async_request(get(server.url))).status_code == 200
        else:
            with pytest.raises(httpx.ConnectError, match="unable to get local issuer certificate"):
                await pool.handle_async_request(get(server.url))
    await pool.aclose()


async def test_the_context_is_made_once_and_only_for_https(
    ca_file: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    create = ssl.create_default_context

    def counted(**options: Any) -> ssl.SSLContext:
        made.append(options)
        return create(**options)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    pool = Pool(verify=ca_file)
    async with Server(answering(ok())).running() as plain, Server(answering(ok()), tls=server_tls).running() as secure:
        await pool.handle_async_request(get(plain.url))
        assert not made
        for _ in range(3):
            await pool.handle_async_request(get(secure.url))
        assert len(made) == 1
        assert secure.connections == 1
    await pool.aclose()


async def test_unreadable_certificates_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    pool = Pool(verify=path)
    with pytest.raises(ConfigurationError, match=r"verify: no certificates could be read from .*ca\.pem") as caught:
        await pool.handle_async_request(get("https://localhost:9/"))
    assert caught.value.__context__ is None
    await pool.aclose()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    pool = Pool()
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE or SSL_CERT_DIR: .*none\.pem"):
        await pool.handle_async_request(get("https://localhost:9/"))
    assert pool.in_flight == 0
    await pool.aclose()


# Proxies


async def test_a_plain_request_goes_through_the_proxy() -> None:
    async with Proxy().running() as proxy:
        pool = Pool(proxy=httpx.URL(f"http://us%40er:pa%3Ass@localhost:{proxy.port}"))
        for _ in range(2):
            request = get("http://api.example.com/a%2Fb?x=%5B", headers={"Authorization": "Bearer t"})
            assert (await pool.handle_async_request(request)).text == "forwarded"
        await pool.aclose()
    for seen in proxy.seen:
        assert seen.target == "http://api.example.com/a%2Fb?x=%5B"
        assert seen.header("authorization") == "Bearer t"
        assert seen.header("proxy-authorization") == "Basic dXNAZXI6cGE6c3M="  # us@er:pa:ss
        assert seen.header("host") == "api.example.com"


@on_every_loop
async def test_https_goes_through_a_tunnel(ca_file: Path, server_tls: ssl.SSLContext, anyio_backend: object) -> None:
    async with Server(answering(ok()), tls=server_tls).running() as server, Proxy().running() as proxy:
        pool = Pool(proxy=f"http://user:pw@localhost:{proxy.port}", verify=ca_file)
        url = f"https://api.example.com:{server.port}/a%2Fb"
        for _ in range(3):
            response = await pool.handle_async_request(get(url, headers={"Authorization": "Bearer t"}))
            assert response.status_code == 200
        await pool.aclose()
        await until(lambda: server.open == 0)
    assert server.connections == 1
    assert server.requests[0].target == "/a%2Fb"
    assert server.requests[0].header("authorization") == "Bearer t"
    assert server.requests[0].header("proxy-authorization") is None
    (tunnel,) = proxy.seen
    assert (tunnel.method, tunnel.target) == ("CONNECT", f"api.example.com:{server.port}")
    assert tunnel.header("proxy-authorization") == "Basic dXNlcjpwdw=="
    assert tunnel.header("authorization") is None


async def test_a_proxy_that_refuses_is_a_proxy_error(ca_file: Path) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    for answer, text in ((refusal, "refused the tunnel with status 407"), (b"", "disconnected"), (b"?\r\n\r\n", "dis")):
        async with Proxy(refuse=answer).running() as proxy:
            pool = Pool(proxy=f"http://user:canary@localhost:{proxy.port}", verify=ca_file)
            with pytest.raises(httpx.ProxyError, match=text) as caught:
                await pool.handle_async_request(get("https://api.example.com/"))
            assert "canary" not in str(caught.value) + repr(pool)
            assert pool.repeated == 0
            await pool.aclose()
    pool = Pool(proxy=f"http://user:canary@localhost:{proxy.port}")
    with pytest.raises(httpx.ConnectError, match="could not connect to the proxy"):
        await pool.handle_async_request(get("http://api.example.com/"))
    await pool.aclose()


@pytest.mark.parametrize(
    ("environment", "url", "through"),
    [
        ({"HTTP_PROXY": "{proxy}"}, "http://api.example.com/", True),
        ({"http_proxy": "{bare}"}, "http://api.example.com/", True),
        ({"ALL_PROXY": "{proxy}"}, "http://api.example.com/", True),
        ({"HTTPS_PROXY": "{proxy}"}, "{any}/", False),
        ({"HTTP_PROXY": "{proxy}"}, "{server}/", False),
        ({"ALL_PROXY": "{proxy}"}, "http://127.0.0.2:9/", None),
        ({"ALL_PROXY": "socks5://localhost:9", "NO_PROXY": "0.0.0.0"}, "{any}/", False),
        ({"ALL_PROXY": "socks5://localhost:9", "HTTP_PROXY": "{proxy}"}, "{any}/", True),
        ({"HTTP_PROXY": "{proxy}", "NO_PROXY": "other.com,0.0.0.0"}, "{any}/", False),
        ({"HTTP_PROXY": "{proxy}", "NO_PROXY": "*"}, "{any}/", False),
    ],
)
async def test_uses_proxies_of_the_environment(
    environment: dict[str, str], url: str, through: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(answering(ok(b"direct"))).running() as server, Proxy().running() as proxy:
        places = {
            "proxy": f"http://localhost:{proxy.port}",
            "bare": f"localhost:{proxy.port}",
            "server": server.url,
            # The same server by an address that is none of loopback's.
            "any": f"http://0.0.0.0:{server.port}",
        }
        pool = Pool()
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(**places))
        request = get(url.format(**places))
        if through is None:  # directly to a port on which nothing listens
            with pytest.raises(httpx.ConnectError):
                await pool.handle_async_request(request)
            assert not proxy.seen
        else:
            assert (await pool.handle_async_request(request)).text == ("forwarded" if through else "direct")
            monkeypatch.setenv("HTTP_PROXY", "http://localhost:9")  # read once
            assert (await pool.handle_async_request(request)).is_success
        await pool.aclose()


@pytest.mark.parametrize(
    ("entries", "direct", "proxied"),
    [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("10.1.2.3/8", "10.9.9.9", "host.com"),
        ("fd00::/8", "[fd12::1]", "[fe80::1]"),
        ("fd00::1", "[fd00::1]", "[fd00::11]"),
        ("[fd00::1]:443", "[fd00::1]", "[fd00::1]:8443"),
        ("*.host.com", "a.host.com", "nohost.com"),
        (".host.com", "HOST.com.", "host.com.au"),
        ("host.com:8443", "a.host.com:8443", "host.com"),
        (" other.com\tHost.COM ", "host.com", "com"),
        ("10.0.0.0/99,/8,[,:443,.,*.,host.com", "host.com", "10.0.0.1"),
        ("10.0.0.0/8:443", "10.0.0.1", "10.0.0.1:80"),
    ],
)
def test_no_proxy_names_hosts_networks_and_ports(
    entries: str, direct: str, proxied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com")
    monkeypatch.setenv("NO_PROXY", entries)

    def proxy_of(host: str) -> object:
        url = httpx.URL(f"https://{host}")
        return Proxies(None).find(url.scheme, url.host, url.port)

    assert proxy_of(direct) is None
    assert str(proxy_of(proxied)) == "http://proxy.example.com"


async def test_does_not_quote_an_invalid_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@localhost:1")
    pool = Pool()
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY must be the URL of an http or https proxy") as caught:
        await pool.handle_async_request(get("https://api.example.com/"))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    await pool.aclose()


# Arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_connections": 0}, r"max_connections must be a whole number of at least 1, not 0"),
        ({"max_body": 1.5}, r"max_body"),
        ({"proxy": "socks5://canary@host"}, r"proxy must be the URL of an http or https proxy"),
        ({"proxy": "http://canary@host:port"}, r"proxy is not a URL"),
        ({"verify": False}, r"verify must be an ssl.SSLContext, a path or None, not False"),
        ({"verify": "/no/such/file"}, r"verify must be a file or directory that exists"),
    ],
)
def test_rejects_invalid_arguments_without_quoting_secrets(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Pool(**options)
    assert "canary" not in str(caught.value)
    frame = caught.traceback[-1].frame
    assert "canary" not in repr({**frame.f_locals, "options": None})
