# QEMU's system emulators, compiled: the `virt` machines with the devices of our guests and nothing else.
# The 64-bit ARM emulator has the 32-bit processors as well. Few libraries: a clone of a snapshot should not
# spend its time on QEMU's own start.
ARG TOOLS
FROM $TOOLS
RUN /usr/share/emulab/install libfdt-dev libslirp-dev opensbi
COPY qemu/devices /devices
WORKDIR /src/qemu/build-system
RUN for guest in aarch64 riscv64; do \
        cp /devices/$guest.mak ../configs/devices/$guest-softmmu/emulab.mak || exit; \
    done && \
    ../configure \
    --target-list=aarch64-softmmu,riscv64-softmmu \
    --with-devices-aarch64=emulab --with-devices-riscv64=emulab \
    --without-default-features --without-default-devices \
    --enable-system --enable-tcg --enable-plugins --enable-fdt=system --enable-slirp --enable-capstone \
    --disable-tools --disable-docs --disable-guest-agent --disable-install-blobs \
    --disable-werror --disable-debug-info --disable-download --disable-stack-protector \
    --with-pkgversion="emulab $(cat /src/version)"
RUN ninja qemu-system-aarch64
RUN ninja qemu-system-riscv64
