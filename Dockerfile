# i2i with all that it needs, for CPUs or, by one argument, for NVIDIA GPUs: docs/docker.md

FROM python:3.12-slim

# cpu, or a CUDA version that PyTorch has wheels for, such as cu126: they bring its libraries with them.
ARG DEVICE=cpu

RUN pip install --no-cache-dir --index-url "https://download.pytorch.org/whl/${DEVICE}" "torch>=2.6" "torchvision>=0.21"

WORKDIR /source
COPY . .
# hadolint ignore=DL3013
RUN pip install --no-cache-dir '.[imagenet]'

# Whoever runs it has a home folder to write caches into; without --user it is not root.
ENV HOME=/home/anybody
RUN mkdir -m 1777 "$HOME" /data
USER 1000:1000

WORKDIR /data
ENTRYPOINT ["i2i"]
CMD ["bench"]
