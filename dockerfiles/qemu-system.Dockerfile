# QEMU's system emulators for the guest architectures, and the tools for the guests' disks.
ARG BASE
FROM $BASE
RUN /usr/share/emulab/install qemu-system-arm qemu-system-riscv opensbi squashfs-tools-ng
