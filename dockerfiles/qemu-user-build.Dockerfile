# QEMU's user-mode emulators, compiled. In two steps, so that an interrupted build goes on where it was.
ARG TOOLS
FROM $TOOLS
WORKDIR /src/qemu/build
RUN ../configure \
    --target-list=aarch64-linux-user,arm-linux-user,riscv64-linux-user,x86_64-linux-user \
    --without-default-features --enable-linux-user --enable-plugins --enable-capstone \
    --disable-system --disable-tools --disable-docs --disable-guest-agent --disable-install-blobs \
    --disable-werror --disable-debug-info --disable-download --disable-stack-protector \
    --with-pkgversion="emulab $(cat /src/version)"
RUN ninja qemu-aarch64
RUN ninja qemu-arm qemu-riscv64 qemu-x86_64
