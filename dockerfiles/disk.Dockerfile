# A root filesystem as one squashfs file, for a read-only virtio disk: /result.tar.
ARG TOOLS
FROM $TOOLS
COPY root.tar /
RUN mkdir /disk && tar2sqfs -q -c zstd -X level=15 -b 131072 /disk/disk.squashfs </root.tar
