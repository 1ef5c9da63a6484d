# The official image, or better a digest of it: --build-arg BASE=python:3.11-slim@sha256:...
ARG BASE=python:3.11-slim

# --- what serving and training share: the user and the environment
FROM ${BASE} AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin signs
WORKDIR /srv/signs
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

# --- the serving set, in a virtual environment of its own
FROM runtime AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
COPY requirements/serving.txt requirements/
RUN --mount=type=cache,target=/tmp/pip PIP_CACHE_DIR=/tmp/pip \
    pip --python /opt/venv/bin/python install --require-hashes -r requirements/serving.txt
# Of OpenVINO's devices only the CPU is used; the others' plug-ins are 60 MB.
RUN cd /opt/venv/lib/python3.*/site-packages/openvino/libs \
    && rm libopenvino_intel_gpu_plugin.so libopenvino_intel_npu_plugin.so cache.json

# --- trains and exports: docker build --target train
FROM packages AS train
COPY requirements/training.txt requirements/
RUN --mount=type=cache,target=/tmp/pip PIP_CACHE_DIR=/tmp/pip \
    pip --python /opt/venv/bin/python install --require-hashes -r requirements/training.txt
COPY app/ app/
COPY training/ training/
RUN install -d -o signs -g signs runs
ENV SIGNS_DATA=/data
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["fit", "training/recipes/signs.toml"]

# --- a node of a Ray cluster: docker build --target ray
FROM packages AS ray
COPY requirements/ray.txt requirements/
RUN --mount=type=cache,target=/tmp/pip PIP_CACHE_DIR=/tmp/pip \
    pip --python /opt/venv/bin/python install --require-hashes -r requirements/ray.txt
COPY LICENSE ./
COPY model/ model/
COPY app/ app/
COPY deploy/ray/ deploy/ray/
# PYTHONPATH: Ray's workers find the service wherever they start. LOCAL_NODE: a proxy would leave the replicas
# of other nodes idle until its own have two full batches.
ENV PYTHONPATH=/srv/signs RAY_USAGE_STATS_ENABLED=0 RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING=0
USER 10001:10001
CMD ["ray", "start", "--head", "--block", "--dashboard-host=0.0.0.0"]

# --- serves: the default target, since it comes last
FROM runtime AS serve
COPY --from=packages /opt/venv /opt/venv
COPY deploy/healthcheck.py /usr/local/bin/
COPY LICENSE ./
COPY model/ model/
COPY app/ app/
# Bytecode that is not checked against the sources' times, since a read-only service cannot renew it.
RUN python -m compileall -q --invalidation-mode unchecked-hash app
ENV SIGNS_HOST=0.0.0.0 SIGNS_LOG_FORMAT=json
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "/usr/local/bin/healthcheck.py"]
# An entrypoint, because Amazon SageMaker starts a container with the one word `serve`.
ENTRYPOINT ["python", "-m", "app"]
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Signs" \
      org.opencontainers.image.description="A photo of a hand goes in, the digit it signs (0-5) comes out." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
