# The gateway image: no TensorFlow, no Keras, no compiler, not root.
FROM python:3.11-slim

WORKDIR /app
COPY requirements/gateway.lock requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/gateway.lock

COPY export/__init__.py export/minimum.py export/rules.py export/
COPY gateway gateway
COPY kmaas kmaas
COPY processing processing
COPY serving/__init__.py serving/settings.py serving/
COPY store store
COPY wire wire

# What a volume that is new takes over: whose the folder is.
RUN useradd --system --uid 10001 kmaas && install --directory --owner kmaas --mode 0700 var/state
USER kmaas

# Inside the container every address is the container's own; docker-compose.yml publishes the ports on loopback only.
ENV KMAAS_GATEWAY__HOST=0.0.0.0 KMAAS_GATEWAY__NO_AUTH=true PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080 8081
CMD ["python", "-m", "kmaas", "gateway"]
