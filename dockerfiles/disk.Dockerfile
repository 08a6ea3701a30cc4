# A root filesystem as one squashfs file, for a read-only virtio disk: /result.tar.
ARG TOOLS
FROM $TOOLS
COPY root.tar /
RUN tar2sqfs -q -c zstd /disk.squashfs </root.tar && tar --owner=0 --group=0 -cf /result.tar disk.squashfs
