# Debian trixie for the engine's own architecture: what every other image is made in.
# ORIGIN is the official image where a registry can be reached, else one made with mmdebstrap.
ARG ORIGIN
FROM $ORIGIN
ARG MIRROR
ENV DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
COPY base/ /
RUN /usr/share/emulab/one-source "$MIRROR"
CMD ["/bin/bash"]
