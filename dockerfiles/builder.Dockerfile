# The cross compiler of one architecture, set up for static musl programs (the command musl-gcc).
ARG SOURCE
FROM $SOURCE
ARG DEBIAN_ARCH
ARG TRIPLET
RUN /usr/share/emulab/install gcc-$TRIPLET
COPY busybox/cross-musl /usr/share/emulab/cross-musl
WORKDIR /musl
RUN /usr/share/emulab/cross-musl $DEBIAN_ARCH $TRIPLET
