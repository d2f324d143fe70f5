/* Loaded before the C library (LD_PRELOAD): sees every call that changes a file system, whoever in the process makes it,
 * and has the one that it is told to meet a fault. What is to happen, and what has, lies in a file that all processes of a
 * run map (struct control; ``faultlab/control.py`` is its other half). Only calls on paths below the directories that it
 * names count. What is stored in a mapped file is no call, and not seen; that the file is mapped for writing is.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, MAKE = 8, MOVE = 16, REMOVE = 32, CHANGE = 64, READ = 128 };
enum { DRIVER = 1, WORKER = 2 };
enum { COUNT = 0, KILL = 1, TEAR = 2, FAIL = 3, STOP = 4 };

struct control {
    int32_t driver;     /* the process that counts as the driver; all others are workers */
    uint32_t classes;   /* the calls that count, by class */
    uint32_t roles;     /* the processes whose calls count, by role */
    uint32_t at;        /* the call that meets the fault, from 1 on */
    uint32_t kind;
    int32_t number;     /* of the error */
    uint32_t lasting;   /* so do all later calls */
    uint32_t everyone;  /* all processes are killed */
    uint32_t delay;     /* microseconds before each call */
    _Atomic uint32_t count;
    _Atomic int32_t met;        /* the process that met the fault */
    _Atomic uint32_t processes; /* how many of ``pids`` are in use */
    int32_t pids[256];
    char what[512];     /* the call that met it */
    char below[4][256];
    char trace[256];    /* a file that takes a line for each call */
};

static struct control *control;

static void enlist(void) {
    if (control) {
        uint32_t place = atomic_fetch_add(&control->processes, 1);
        if (place < 256) control->pids[place] = getpid();
    }
}

/* Take orders from the file at ``path``; called by a forked process, too. */
void faults_obey(const char *path) {
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) abort();
    control = (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (control == MAP_FAILED) abort();
    enlist();
}

unsigned faults_size(void) { return sizeof(struct control); }

__attribute__((constructor)) static void begin(void) {
    pthread_atfork(NULL, NULL, enlist);
    const char *path = getenv("FAULTS_CONTROL");
    if (path) faults_obey(path);
}

static int path_of(int descriptor, const char *name, char *path) {
    char link[64];
    ssize_t length = 0;
    if (name && name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return 1;
    }
    if (descriptor == AT_FDCWD) {
        if (syscall(SYS_getcwd, path, PATH_MAX) < 0) return 0;
        length = strlen(path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
        if (length < 0) return 0;
    }
    snprintf(path + length, PATH_MAX - length, name ? "/%s" : "%s", name ? name : "");
    return 1;
}

static int counts(const char *path, int class) {
    for (int i = 0; i < 4 && control->below[i][0]; i++) {
        size_t length = strlen(control->below[i]), own = strlen(path);
        if (!strncmp(path, control->below[i], length) && (!path[length] || path[length] == '/')) return 1;
        /* the directories above are flushed, too */
        if (class == SYNC && own < length && !strncmp(path, control->below[i], own)) return 1;
    }
    return 0;
}

static void tell(const char *call, const char *path, uint32_t number, int role) {
    char line[PATH_MAX + 64];
    int file = syscall(SYS_openat, AT_FDCWD, control->trace, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int length = snprintf(line, sizeof line, "%u %d %s %s\n", number, role, call, path);
    if (file < 0 || syscall(SYS_write, file, line, length) != length) abort();
    syscall(SYS_close, file);
}

static void die(void) {
    if (control->everyone)
        for (uint32_t i = 0; i < control->processes && i < 256; i++)
            if (control->pids[i] != getpid()) kill(control->pids[i], SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What a call meets: 0, nothing; an error's number; or -1, its process is to be killed in the middle of it. */
static int meet(const char *call, int class, int descriptor, const char *name) {
    char path[PATH_MAX];
    int saved = errno;
    if (!control || !(control->classes & class)) return 0;
    int role = getpid() == control->driver ? DRIVER : WORKER;
    if (!path_of(descriptor, name, path) || !counts(path, class)) {
        errno = saved;
        return 0;
    }
    if (!(control->roles & role)) {
        errno = saved; /* a disk that fails from now on does so for everybody */
        return control->lasting && control->kind == FAIL && control->met ? control->number : 0;
    }
    uint32_t number = atomic_fetch_add(&control->count, 1) + 1;
    if (control->trace[0]) tell(call, path, number, role);
    if (control->delay) {
        struct timespec pause = {control->delay / 1000000, control->delay % 1000000 * 1000L};
        nanosleep(&pause, NULL);
    }
    errno = saved;
    if (!control->at || number < control->at || (number > control->at && !control->lasting)) return 0;
    if (number == control->at) {
        snprintf(control->what, sizeof control->what, "%s %s", call, path);
        atomic_store(&control->met, getpid());
    }
    switch (control->kind) {
    case FAIL:
        return control->number;
    case TEAR:
        return -1;
    case KILL:
        die();
    case STOP:
        kill(getpid(), SIGSTOP);
        break;
    }
    errno = saved;
    return 0;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define MEET(call, class, descriptor, path) \
    do { \
        int met_ = meet(call, class, descriptor, path); \
        if (met_ < 0) die(); \
        if (met_) { errno = met_; return -1; } \
    } while (0)
#define WRITES(flags) \
    (((flags) & O_ACCMODE) != O_RDONLY || ((flags) & (O_CREAT | O_TRUNC)) || ((flags) & O_TMPFILE) == O_TMPFILE)
#define MODE(flags, mode) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define DEFINE_OPEN(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags, mode) \
        REAL(name); \
        MEET("open", WRITES(flags) ? OPEN : READ, AT_FDCWD, path); \
        return real(path, flags, mode); \
    }
#define DEFINE_OPENAT(name) \
    int name(int directory, const char *path, int flags, ...) { \
        MODE(flags, mode) \
        REAL(name); \
        MEET("open", WRITES(flags) ? OPEN : READ, directory, path); \
        return real(directory, path, flags, mode); \
    }
#define DEFINE(call, class, descriptor, path, result, name, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        MEET(call, class, descriptor, path); \
        return real arguments; \
    }
/* A call that writes bytes may be torn: half of them are written, and then the process is killed. */
#define DEFINE_BYTES(call, descriptor, half, result, name, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        int met = meet(call, WRITE, descriptor, NULL); \
        if (met < 0) { half; die(); } \
        if (met) { errno = met; return -1; } \
        return real arguments; \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
int __open_2(const char *, int), __open64_2(const char *, int), __openat_2(int, const char *, int),
    __openat64_2(int, const char *, int);
DEFINE("open", WRITES(f) ? OPEN : READ, AT_FDCWD, p, int, __open_2, (const char *p, int f), (p, f))
DEFINE("open", WRITES(f) ? OPEN : READ, AT_FDCWD, p, int, __open64_2, (const char *p, int f), (p, f))
DEFINE("open", WRITES(f) ? OPEN : READ, d, p, int, __openat_2, (int d, const char *p, int f), (d, p, f))
DEFINE("open", WRITES(f) ? OPEN : READ, d, p, int, __openat64_2, (int d, const char *p, int f), (d, p, f))
DEFINE("open", OPEN, AT_FDCWD, p, int, creat, (const char *p, mode_t m), (p, m))
DEFINE("open", OPEN, AT_FDCWD, p, int, creat64, (const char *p, mode_t m), (p, m))

DEFINE_BYTES("write", f, real(f, b, n / 2), ssize_t, write, (int f, const void *b, size_t n), (f, b, n))
DEFINE_BYTES("write", f, real(f, b, n / 2, o), ssize_t, pwrite, (int f, const void *b, size_t n, off_t o), (f, b, n, o))
DEFINE_BYTES("write", f, real(f, b, n / 2, o), ssize_t, pwrite64, (int f, const void *b, size_t n, off64_t o), (f, b, n, o))
DEFINE_BYTES("write", f, real(f, v, n / 2), ssize_t, writev, (int f, const struct iovec *v, int n), (f, v, n))
DEFINE_BYTES("write", f, real(f, v, n / 2, o), ssize_t, pwritev, (int f, const struct iovec *v, int n, off_t o), (f, v, n, o))
DEFINE_BYTES("write", f, real(f, v, n / 2, o), ssize_t, pwritev64, (int f, const struct iovec *v, int n, off64_t o), (f, v, n, o))
DEFINE_BYTES("write", f, real(f, v, n / 2, o, g), ssize_t, pwritev2, (int f, const struct iovec *v, int n, off_t o, int g), (f, v, n, o, g))
DEFINE_BYTES("write", f, real(f, v, n / 2, o, g), ssize_t, pwritev64v2, (int f, const struct iovec *v, int n, off64_t o, int g), (f, v, n, o, g))
DEFINE_BYTES("sendfile", t, real(t, f, o, n / 2), ssize_t, sendfile, (int t, int f, off_t *o, size_t n), (t, f, o, n))
DEFINE_BYTES("sendfile", t, real(t, f, o, n / 2), ssize_t, sendfile64, (int t, int f, off64_t *o, size_t n), (t, f, o, n))
DEFINE_BYTES("copy_file_range", t, real(f, o, t, p, n / 2, g), ssize_t, copy_file_range, (int f, off64_t *o, int t, off64_t *p, size_t n, unsigned g), (f, o, t, p, n, g))
DEFINE_BYTES("splice", t, real(f, o, t, p, n / 2, g), ssize_t, splice, (int f, off64_t *o, int t, off64_t *p, size_t n, unsigned g), (f, o, t, p, n, g))

DEFINE("fsync", SYNC, f, NULL, int, fsync, (int f), (f))
DEFINE("fsync", SYNC, f, NULL, int, fdatasync, (int f), (f))
DEFINE("fsync", SYNC, f, NULL, int, syncfs, (int f), (f))
DEFINE("fsync", SYNC, f, NULL, int, sync_file_range, (int f, off64_t o, off64_t n, unsigned g), (f, o, n, g))

DEFINE("truncate", CHANGE, f, NULL, int, ftruncate, (int f, off_t n), (f, n))
DEFINE("truncate", CHANGE, f, NULL, int, ftruncate64, (int f, off64_t n), (f, n))
DEFINE("truncate", CHANGE, AT_FDCWD, p, int, truncate, (const char *p, off_t n), (p, n))
DEFINE("truncate", CHANGE, AT_FDCWD, p, int, truncate64, (const char *p, off64_t n), (p, n))
DEFINE("allocate", CHANGE, f, NULL, int, fallocate, (int f, int m, off_t o, off_t n), (f, m, o, n))
DEFINE("allocate", CHANGE, f, NULL, int, fallocate64, (int f, int m, off64_t o, off64_t n), (f, m, o, n))
#define ALLOCATE(name, type) \
    int name(int f, type o, type n) { \
        REAL(name); \
        int met = meet("allocate", CHANGE, f, NULL); \
        if (met < 0) die(); \
        return met ? met : real(f, o, n); \
    }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)
DEFINE("utime", CHANGE, d, p, int, utimensat, (int d, const char *p, const struct timespec t[2], int g), (d, p, t, g))
DEFINE("utime", CHANGE, f, NULL, int, futimens, (int f, const struct timespec t[2]), (f, t))
DEFINE("utime", CHANGE, AT_FDCWD, p, int, utime, (const char *p, const struct utimbuf *t), (p, t))
DEFINE("utime", CHANGE, AT_FDCWD, p, int, utimes, (const char *p, const struct timeval t[2]), (p, t))
DEFINE("utime", CHANGE, AT_FDCWD, p, int, lutimes, (const char *p, const struct timeval t[2]), (p, t))
DEFINE("utime", CHANGE, f, NULL, int, futimes, (int f, const struct timeval t[2]), (f, t))
DEFINE("chmod", CHANGE, AT_FDCWD, p, int, chmod, (const char *p, mode_t m), (p, m))
DEFINE("chmod", CHANGE, f, NULL, int, fchmod, (int f, mode_t m), (f, m))
DEFINE("chmod", CHANGE, d, p, int, fchmodat, (int d, const char *p, mode_t m, int g), (d, p, m, g))
DEFINE("chown", CHANGE, AT_FDCWD, p, int, chown, (const char *p, uid_t u, gid_t g), (p, u, g))
DEFINE("chown", CHANGE, f, NULL, int, fchown, (int f, uid_t u, gid_t g), (f, u, g))

DEFINE("link", MAKE, AT_FDCWD, t, int, link, (const char *s, const char *t), (s, t))
DEFINE("link", MAKE, e, t, int, linkat, (int d, const char *s, int e, const char *t, int g), (d, s, e, t, g))
DEFINE("symlink", MAKE, AT_FDCWD, t, int, symlink, (const char *s, const char *t), (s, t))
DEFINE("symlink", MAKE, e, t, int, symlinkat, (const char *s, int e, const char *t), (s, e, t))
DEFINE("mkdir", MAKE, AT_FDCWD, p, int, mkdir, (const char *p, mode_t m), (p, m))
DEFINE("mkdir", MAKE, d, p, int, mkdirat, (int d, const char *p, mode_t m), (d, p, m))
DEFINE("mknod", MAKE, AT_FDCWD, p, int, mknod, (const char *p, mode_t m, dev_t v), (p, m, v))
DEFINE("mknod", MAKE, AT_FDCWD, p, int, mkfifo, (const char *p, mode_t m), (p, m))
DEFINE("rename", MOVE, AT_FDCWD, t, int, rename, (const char *s, const char *t), (s, t))
DEFINE("rename", MOVE, e, t, int, renameat, (int d, const char *s, int e, const char *t), (d, s, e, t))
DEFINE("rename", MOVE, e, t, int, renameat2, (int d, const char *s, int e, const char *t, unsigned g), (d, s, e, t, g))
DEFINE("unlink", REMOVE, AT_FDCWD, p, int, unlink, (const char *p), (p))
DEFINE("unlink", REMOVE, d, p, int, unlinkat, (int d, const char *p, int g), (d, p, g))
DEFINE("rmdir", REMOVE, AT_FDCWD, p, int, rmdir, (const char *p), (p))
DEFINE("unlink", REMOVE, AT_FDCWD, p, int, remove, (const char *p), (p))

static const char *socket_path(const struct sockaddr *a) {
    return a && a->sa_family == AF_UNIX && ((const struct sockaddr_un *)a)->sun_path[0]
               ? ((const struct sockaddr_un *)a)->sun_path : NULL;
}
int bind(int s, const struct sockaddr *a, socklen_t n) {
    REAL(bind);
    const char *path = socket_path(a);
    if (path) MEET("bind", MAKE, AT_FDCWD, path);
    return real(s, a, n);
}

#define DEFINE_MMAP(name, type) \
    void *name(void *a, size_t n, int p, int g, int f, type o) { \
        REAL(name); \
        if (f >= 0 && (g & MAP_SHARED) && (p & PROT_WRITE)) { \
            int met = meet("mmap", OPEN, f, NULL); \
            if (met < 0) die(); \
            if (met) { errno = met; return MAP_FAILED; } \
        } \
        return real(a, n, p, g, f, o); \
    }
DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)
DEFINE("msync", SYNC, AT_FDCWD, "/msync", int, msync, (void *a, size_t n, int g), (a, n, g))

DEFINE("chown", CHANGE, AT_FDCWD, p, int, lchown, (const char *p, uid_t u, gid_t g), (p, u, g))
DEFINE("chown", CHANGE, d, p, int, fchownat, (int d, const char *p, uid_t u, gid_t g, int h), (d, p, u, g, h))

/* What only looks: of interest where a disk fails to be read. */
DEFINE("read", READ, f, NULL, ssize_t, read, (int f, void *b, size_t n), (f, b, n))
DEFINE("read", READ, f, NULL, ssize_t, pread, (int f, void *b, size_t n, off_t o), (f, b, n, o))
DEFINE("read", READ, f, NULL, ssize_t, pread64, (int f, void *b, size_t n, off64_t o), (f, b, n, o))
DEFINE("stat", READ, AT_FDCWD, p, int, stat, (const char *p, struct stat *b), (p, b))
DEFINE("stat", READ, AT_FDCWD, p, int, stat64, (const char *p, struct stat64 *b), (p, b))
DEFINE("stat", READ, AT_FDCWD, p, int, lstat, (const char *p, struct stat *b), (p, b))
DEFINE("stat", READ, AT_FDCWD, p, int, lstat64, (const char *p, struct stat64 *b), (p, b))
DEFINE("stat", READ, d, p, int, fstatat, (int d, const char *p, struct stat *b, int g), (d, p, b, g))
DEFINE("stat", READ, d, p, int, fstatat64, (int d, const char *p, struct stat64 *b, int g), (d, p, b, g))

#define DEFINE_LISTING(call, descriptor, path, result, name, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        int met = meet(call, READ, descriptor, path); \
        if (met) { errno = met; return NULL; } \
        return real arguments; \
    }
DEFINE_LISTING("list", AT_FDCWD, p, DIR *, opendir, (const char *p), (p))
DEFINE_LISTING("list", f, NULL, DIR *, fdopendir, (int f), (f))
DEFINE_LISTING("list", dirfd(d), NULL, struct dirent *, readdir, (DIR *d), (d))
DEFINE_LISTING("list", dirfd(d), NULL, struct dirent64 *, readdir64, (DIR *d), (d))
