# The compiler and libraries that QEMU's emulators are built with, and QEMU's source with emulab's counters.
ARG BASE
FROM $BASE
RUN /usr/share/emulab/install \
    gcc libc6-dev ninja-build meson python3-venv pkgconf libglib2.0-dev zlib1g-dev libcapstone-dev \
    flex bison patchelf xz-utils
WORKDIR /src
RUN /usr/share/emulab/source qemu && \
    sed -n 's/^Version: //p' qemu_*.dsc | head -n 1 >/src/version && \
    mkdir qemu && tar -xf qemu_*.orig.tar.* -C qemu --strip-components=1 \
        --exclude='*/roms/*/*' && \
    sed -i '/^pycotap/d' qemu/pythondeps.toml && rm qemu_* && cat /src/version
COPY qemu/counters /counters
RUN /counters/apply /src/qemu
