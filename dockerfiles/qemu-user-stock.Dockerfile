# Debian's own user-mode emulators, which are static and load no plugins, as /.emulab of any root filesystem:
# /result.tar as qemu-user.Dockerfile's.
ARG BASE
FROM $BASE
WORKDIR /packages
RUN /usr/share/emulab/fetch "$(dpkg --print-architecture)" trixie qemu-user && \
    dpkg-deb -W --showformat '${Package} ${Version}\n' ./*.deb >/packages.txt && \
    mkdir -p /new/.emulab/bin /new/.emulab/share && cp /packages.txt /new/.emulab/share/ && \
    dpkg-deb --fsys-tarfile ./*.deb | tar -x -C /new/.emulab/bin --strip-components=3 \
        ./usr/bin/qemu-aarch64 ./usr/bin/qemu-arm ./usr/bin/qemu-riscv64 ./usr/bin/qemu-x86_64 && \
    tar -C /new --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf /result.tar .emulab && rm ./*.deb
