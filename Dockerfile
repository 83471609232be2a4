# The operator's image: a virtual environment of locked packages and our wheel on a slim Python, nothing to build with.
# Releases pass the digest that they have checked: --build-arg PYTHON_DIGEST=sha256:...
ARG PYTHON_VERSION=3.11.14
ARG PYTHON_DIGEST=

FROM python:${PYTHON_VERSION}-slim-bookworm${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN python -m venv /opt/build && /opt/build/bin/python -m pip install --require-hashes -r requirements/build.lock
RUN python -m venv /opt/inferfleet && /opt/inferfleet/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .
RUN /opt/inferfleet/bin/python -m pip install --no-deps --no-index dist/*.whl
RUN /opt/inferfleet/bin/python -m pip uninstall --yes pip setuptools

FROM python:${PYTHON_VERSION}-slim-bookworm${PYTHON_DIGEST:+@${PYTHON_DIGEST}}
LABEL org.opencontainers.image.title="Inferfleet" \
      org.opencontainers.image.description="Operator that runs vLLM on the cheapest GPUs that work, within a budget" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/inferfleet /opt/inferfleet
ENV PATH=/opt/inferfleet/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can check runAsNonRoot without reading the image's user list.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["inferfleet"]
CMD ["run"]
