# Debian's kernel source, unpacked once for every kernel, with the tools that any kernel's build needs.
# Drivers that no virtual machine has are left out but for their Kconfig files: a third of the size.
ARG BASE
FROM $BASE
RUN /usr/share/emulab/install gcc libc6-dev make flex bison bc xz-utils cpio zstd perl-base lz4
COPY kernel/unneeded /usr/share/emulab/unneeded
WORKDIR /src
RUN apt-get update -q && apt-get download -q linux-source-6.12 && rm -rf /var/lib/apt/lists/* && \
    dpkg-deb -f linux-source-6.12_*.deb Version >/src/version && \
    dpkg-deb --fsys-tarfile linux-source-6.12_*.deb | tar -xO ./usr/src/linux-source-6.12.tar.xz | \
    xz -dc -T0 | tar -x --exclude-from=/usr/share/emulab/unneeded && \
    rm linux-source-6.12_*.deb && mv linux-source-6.12 linux && cat version
