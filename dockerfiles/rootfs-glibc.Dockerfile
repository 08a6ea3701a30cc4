# A Debian root filesystem: the C library of SUITE and BusyBox for everything else. Packages of a foreign
# architecture are only unpacked, so nothing here needs an emulator.
ARG BASE
FROM $BASE
ARG DEBIAN_ARCH
ARG SUITE
ARG PACKAGES
RUN /usr/share/emulab/install busybox-static
WORKDIR /packages
RUN /usr/share/emulab/fetch $DEBIAN_ARCH $SUITE $PACKAGES && \
    for package in *.deb; do \
        dpkg-deb -x "$package" /new && dpkg-deb -W --showformat '${Package} ${Version}\n' "$package"; \
    done >/packages.txt
COPY rootfs /rootfs
RUN /rootfs/applets /new && /rootfs/finish /new
