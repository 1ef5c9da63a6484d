"""Who asks too often is refused by key or by address, before the body is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from app.engines.constant import ConstantEngine
from app.main import create_app
from app.settings import Settings
from tests.app.serving import Exchange, body, error, problem, service, speak
from tests.app.test_metrics import sample, scrape

GreyPng = Callable[[int], bytes]
KEYS = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("ann", "bob")}


def with_key(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


def test_the_address_is_refused_above_its_rate(grey_png: GreyPng) -> None:
    with service(address_rate=2) as client:
        answers = [client.post("/predict", content=grey_png(0)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert "from this address" in problem(answers[2], 429)["detail"]
        assert 1 <= int(answers[2].headers["retry-after"]) <= 30
        assert sample(scrape(client), "signs_refusals_total", reason="address-rate") == 1
        assert sample(scrape(client), "signs_requests_total", route="unmatched", status="429") == 1


def test_each_key_has_a_rate_of_its_own_wherever_it_comes_from(grey_png: GreyPng) -> None:
    with service(api_keys=KEYS, key_rate=1) as client:
        assert client.post("/predict", content=grey_png(0), headers=with_key("ann")).status_code == 200
        bearer = {"Authorization": "Bearer ann"}
        refused = client.post("/predict", content=grey_png(0), headers=bearer)
        assert "with this API key" in problem(refused, 429)["detail"]
        assert client.post("/predict", content=grey_png(0), headers=with_key("bob")).status_code == 200
        assert client.post("/predict", content=grey_png(0), headers=with_key("eve")).status_code == 401


def test_a_key_is_withdrawn_alone(grey_png: GreyPng) -> None:
    with service(api_keys={"bob": KEYS["bob"]}) as client:
        answers = [client.post("/predict", content=grey_png(0), headers=with_key(key)) for key in KEYS]
    assert [answer.status_code for answer in answers] == [401, 200]


def test_strangers_count_by_address_where_they_guess_keys(grey_png: GreyPng) -> None:
    with service(api_keys=KEYS, address_rate=1) as client:
        assert client.post("/predict", content=grey_png(0), headers=with_key("guess")).status_code == 401
        assert client.post("/predict", content=grey_png(0), headers=with_key("ann")).status_code == 429


def test_health_metrics_and_pages_are_always_answered() -> None:
    with service(address_rate=1) as client:
        client.post("/predict", content=b"x")
        assert client.post("/predict", content=b"x").status_code == 429
        for path in ("/health/live", "/health/ready", "/ping", "/metrics", "/", "/static/page.css"):
            assert client.get(path).status_code == 200


def test_other_dialects_are_refused_in_their_own_shape() -> None:
    with service(address_rate=1) as client:
        client.post("/predict", content=b"x")
        answer = client.post("/v1/models/signs:predict", content=json.dumps({"instances": []}))
        assert "from this address" in error(answer, 429)


def test_it_is_refused_before_the_body_is_read() -> None:
    app = create_app(Settings(address_rate=1), ConstantEngine())
    first, second = Exchange(app, body(b"x")), Exchange(app, body(b"x", b"y", b"z"))

    async def play() -> None:
        await first.run()
        await second.run()

    speak(app, play)
    assert second.status == 429
    assert second.read_before_answer == 0
    assert second.answer_headers["connection"] == "close"
