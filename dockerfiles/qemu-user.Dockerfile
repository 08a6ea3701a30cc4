# QEMU's user-mode emulators and emulab's plugin as a directory that runs in any root filesystem: /result.tar.
ARG BUILD
FROM $BUILD
COPY qemu/plugin /plugin
RUN mkdir -p /new/.emulab/lib && \
    /plugin/build /src/qemu/include/qemu /src/version /new/.emulab/lib/emulab-count.so
COPY qemu/relocate /
RUN /relocate /src/qemu/build qemu-aarch64 qemu-arm qemu-riscv64 qemu-x86_64
