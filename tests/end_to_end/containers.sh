#!/usr/bin/env bash
# Builds the images and proves, with a real container, with one that is confined as the Deployment of
# deploy/kubernetes says, with compose, and with compose and TLS in front, that the service becomes healthy,
# answers a photo, is confined, and stops in time after SIGTERM with exit status 0. The first of them gets
# hostile pictures too, and has 512 MB for them.
#   CONTAINERS  the container engine's command; by default ../shared/tools/containers, else docker
#   PORT        a free port of this machine (default 18000)
set -euo pipefail
cd "$(dirname "$0")/../.."

stand_in=../shared/tools/containers
engine=${CONTAINERS:-$([[ -x $stand_in ]] && echo "$stand_in" || echo docker)}
export PORT=${PORT:-18000} COMPOSE_PROJECT_NAME=signs-check-$$
name=signs-check-$$ tag=signs:check folder=$(mktemp -d)
files=(-f docker-compose.yml)
checked=$name # the container whose log a failure shows

fail() {
    echo "containers: $*" >&2
    "$engine" logs --tail 50 "$checked" >&2 || true
    exit 1
}

clean_up() {
    "$engine" rm -f "$name" >/dev/null 2>&1 || true
    "$engine" compose "${files[@]}" down >/dev/null 2>&1 || true
    rm -r "$folder"
}

# TAG [OPTIONS]: the stand-in wants the image before the options, docker after them.
run_image() {
    local image=$1
    shift
    if [[ $engine == *containers ]]; then "$engine" run "$image" "$@"; else "$engine" run "$@" "$image"; fi
}

# CONTAINER: waits until its own HEALTHCHECK calls it healthy.
await_healthy() {
    local state=none
    for _ in $(seq 90); do
        state=$("$engine" inspect -f '{{.State.Status}} {{.State.Health.Status}}' "$1")
        case $state in
            "running healthy") return ;;
            exited*) break ;;
        esac
        sleep 1
    done
    fail "expected a healthy container within 90 s, received: $state"
}

# [ADDRESS]: asks about a made-up photo, by default over the published port.
check_answer() {
    python - "${1:-http://127.0.0.1:$PORT}/predict" <<'PYTHON' || fail "no right answer to a photo"
import io, json, math, sys, urllib.request
from PIL import Image

photo = io.BytesIO()
Image.radial_gradient("L").resize((640, 480)).convert("RGB").save(photo, "JPEG")
request = urllib.request.Request(sys.argv[1], photo.getvalue(), {"Content-Type": "image/jpeg"})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
answer = json.load(opener.open(request, timeout=20))
probabilities = [item["probability"] for item in answer["probabilities"]]
assert sorted(item["label"] for item in answer["probabilities"]) == list("012345"), answer
assert math.isclose(sum(probabilities), 1, abs_tol=1e-3), answer
assert probabilities == sorted(probabilities, reverse=True), answer
print("answered:", answer["label"], answer["confidence"], answer["model"])
PYTHON
}

# CONTAINER: what it may do, asked from inside.
check_confinement() {
    "$engine" exec "$1" python -c '
import os, pathlib
status = dict(line.split(":\t", 1) for line in pathlib.Path("/proc/1/status").read_text().splitlines() if ":\t" in line)
root = next(line.split() for line in open("/proc/mounts") if line.split()[1] == "/")
assert os.getuid() == os.getgid() == 10001, (os.getuid(), os.getgid())
assert int(status["CapEff"], 16) == 0, status["CapEff"]
assert status["NoNewPrivs"].strip() == "1", status["NoNewPrivs"]
assert "ro" in root[3].split(","), root
assert sorted(path.name for path in pathlib.Path().iterdir()) == ["LICENSE", "app", "model"]
' || fail "the container may do more than it should"
}

# CONTAINER CPUS: as many inference threads as its quota has CPUs.
check_threads() {
    local threads
    threads=$("$engine" exec "$1" python -c 'from app.threads import granted_threads; print(granted_threads())')
    [[ $threads == "$2" ]] || fail "expected $2 inference threads, received $threads"
}

# CONTAINER [SECONDS]: SIGTERM, and SIGKILL only after so many seconds (which would show as status 137).
check_stop() {
    local began=$EPOCHREALTIME status
    "$engine" stop -t "${2:-5}" "$1" >/dev/null
    status=$("$engine" inspect -f '{{.State.ExitCode}}' "$1")
    [[ $status == 0 ]] || fail "expected exit status 0 after SIGTERM, received $status"
    echo "stopped with status 0 in $(python -c "print(round($EPOCHREALTIME - $began, 1))") s"
}

# CONTAINER MB: broken and malicious pictures, to a service that may take so much memory and no more.
check_hostile() {
    local pid
    pid=$("$engine" inspect -f '{{.State.Pid}}' "$1")
    pid=$(pgrep -P "$pid" || echo "$pid") # its init has one child
    python -m tests.soak.hostile --count 400 --port "$PORT" --pid "$pid" --into "$folder" ||
        fail "hostile pictures did harm within $2 MB"
    grep "peak resident" "$folder/hostile.md"
    ! "$engine" logs "$1" 2>&1 | grep "unexpected error" || fail "an unexpected error is in the log"
}

check_container() {
    await_healthy "$1"
    check_answer
    check_confinement "$1"
    check_stop "$1"
}

trap clean_up EXIT
[[ $engine != "$stand_in" ]] || "$engine" base

echo "== image"
"$engine" build . -t "$tag"
echo "image size: $(($("$engine" inspect -f '{{.Size}}' "$tag") / 1000000)) MB"

echo "== run"
run_image "$tag" -d --name "$name" -p "127.0.0.1:$PORT:8000" --read-only --tmpfs /tmp --cap-drop=ALL \
    --security-opt no-new-privileges --init --memory 512m --pids-limit 128 >/dev/null
await_healthy "$name"
check_hostile "$name" 512
check_container "$name"
"$engine" rm "$name" >/dev/null

echo "== as Kubernetes runs it"
options=$(python -m tests.deploy.container_options small)
mapfile -t confinement <<<"$options"
run_image "$tag" -d --name "$name" -p "127.0.0.1:$PORT:8000" "${confinement[@]}" >/dev/null
await_healthy "$name"
check_answer
check_confinement "$name"
check_threads "$name" "$(sed -n 's/^--cpus=//p' <<<"$options")"
check_stop "$name" 30

echo "== compose"
"$engine" compose "${files[@]}" up -d --build
checked=$("$engine" compose "${files[@]}" ps -q | tail -n 1)
check_container "$checked"
"$engine" compose "${files[@]}" down >/dev/null

echo "== compose with TLS in front"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=signs -addext subjectAltName=IP:127.0.0.1 \
    -out "$folder/cert.pem" -keyout "$folder/key.pem" 2>/dev/null
export TLS_FOLDER=$folder HTTP_PORT=127.0.0.1:$((PORT + 1)) HTTPS_PORT=127.0.0.1:$((PORT + 2))
export NGINX_IMAGE=${NGINX_IMAGE:-signs-nginx:check}
[[ $NGINX_IMAGE != signs-nginx:check ]] || "$engine" build tests/end_to_end/nginx -t "$NGINX_IMAGE"
files+=(-f deploy/compose.tls.yml)
"$engine" compose "${files[@]}" up -d
checked=$("$engine" ps -q --filter "name=$COMPOSE_PROJECT_NAME.signs")
await_healthy "$checked"
SSL_CERT_FILE=$folder/cert.pem check_answer "https://$HTTPS_PORT"
! (: <"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || fail "the service can be reached around nginx"
check_stop "$checked"
"$engine" compose "${files[@]}" down >/dev/null
echo "containers: all checks passed"
