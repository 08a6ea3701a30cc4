/* Marks from outside: whoever writes a line to the pipe `control=PATH` ends the window and names the next one. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "emulab.h"

static void *listen(void *data)
{
    const char *path = data;
    char line[128];
    for (;;) {
        /* Opening waits for a writer; each one writes its lines and goes. */
        FILE *pipe = fopen(path, "re");
        if (!pipe) {
            return NULL;
        }
        while (fgets(line, sizeof(line), pipe)) {
            line[strcspn(line, "\n")] = 0;
            lock();
            if (window_close()) {
                window_begin(WINDOW_MARK, line, 0);
            }
            unlock();
        }
        fclose(pipe);
    }
}

bool control_start(const char *path)
{
    pthread_t thread;
    if (mkfifo(path, 0600) || pthread_create(&thread, NULL, listen, g_strdup(path))) {
        return false;
    }
    pthread_detach(thread);
    return true;
}
