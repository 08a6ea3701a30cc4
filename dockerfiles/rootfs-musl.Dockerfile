# A root filesystem with BusyBox, static against musl, and musl's loader for programs that are not.
ARG CROSS
FROM $CROSS
ARG TRIPLET
COPY busybox /src/
WORKDIR /src/busybox
RUN /src/configure && make -j"$(nproc)" CC=musl-gcc CROSS_COMPILE=$TRIPLET- busybox busybox.links
COPY rootfs /rootfs
RUN mkdir -p /new/usr/bin /new/usr/lib /new/usr/share && cp busybox /new/usr/bin/ && \
    sed 's|^/||' busybox.links >/applets && \
    cp -r /musl/usr/share/ca-certificates /new/usr/share/ && \
    /rootfs/musl-loader && /rootfs/finish /new && \
    (echo "busybox $(cat /src/version)"; cat /musl/packages.txt) >/packages.txt
