# BusyBox's source and what its build needs on the engine's side.
ARG BASE
FROM $BASE
RUN /usr/share/emulab/install gcc libc6-dev make bzip2 xz-utils
WORKDIR /src
RUN /usr/share/emulab/source busybox && sed -n 's/^Version: //p' busybox_*.dsc | head -n 1 >/src/version && \
    mkdir busybox && tar -xf busybox_*.orig.tar.* -C busybox --strip-components=1 && rm busybox_* && cat version
