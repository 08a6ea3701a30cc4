# The kernel's source with the cross compiler of one architecture.
ARG SOURCE
FROM $SOURCE
ARG TRIPLET
RUN /usr/share/emulab/install gcc-$TRIPLET binutils-$TRIPLET
