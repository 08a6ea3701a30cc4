# QEMU's system emulators in /.emulab, and the tools for the guests' disks.
ARG BUILD
ARG BASE
FROM $BUILD AS build
COPY qemu/relocate /
RUN mkdir -p /new/.emulab/share/qemu && \
    cp /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin \
        /new/.emulab/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin && \
    /relocate /src/qemu/build-system qemu-system-aarch64 qemu-system-riscv64 && \
    ln -s qemu-system-aarch64 /new/.emulab/bin/qemu-system-arm

FROM $BASE
RUN /usr/share/emulab/install squashfs-tools-ng
COPY --from=build /new/ /
ENV PATH=/.emulab/bin:$PATH
