/* A directory of people for the tests: glibc asks it like LDAP's (nsswitch.conf(5)). /run/far holds one word, how it behaves. */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef enum nss_status status;

static char mode(void)
{
    FILE *file = fopen("/run/far", "re");
    int first = file ? fgetc(file) : 'g';
    if (file)
        fclose(file);
    return (char)first;
}

/* Whether it answers at all: [s]low, [h]angs, [g]one. */
static int answers(int *err)
{
    switch (mode()) {
    case 's': usleep(300000); return 1;
    case 'h': for (;;) pause();
    case 'g': *err = ENOENT; return 0;
    default: return 1;
    }
}

static const struct { const char *name; uid_t uid; } people[] = {
    { "dirk", 5000 }, { "dina", 5001 }, { "#0", 5002 }, { "-rf", 5003 }, { "a\nroot", 5004 }, { "x\xff", 5005 }, { "bob,carl", 5006 },
};
#define PEOPLE (sizeof people / sizeof people[0])

static status person(size_t at, struct passwd *pw, char *buffer, size_t size, int *err)
{
    if (size < 64) {
        *err = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    strcpy(buffer, people[at].name);
    pw->pw_name = buffer;
    pw->pw_uid = people[at].uid;
    pw->pw_gid = people[at].uid > 5001 ? 5100 : 5200;
    pw->pw_passwd = pw->pw_gecos = "x";
    pw->pw_dir = "/tmp";
    pw->pw_shell = "/bin/bash";
    return NSS_STATUS_SUCCESS;
}

status _nss_far_getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t size, int *err)
{
    if (!answers(err))
        return NSS_STATUS_UNAVAIL;
    for (size_t at = 0; at < PEOPLE; at++)
        if (!strcmp(people[at].name, name))
            return person(at, pw, buffer, size, err);
    return NSS_STATUS_NOTFOUND;
}

status _nss_far_getpwuid_r(uid_t uid, struct passwd *pw, char *buffer, size_t size, int *err)
{
    if (!answers(err))
        return NSS_STATUS_UNAVAIL;
    for (size_t at = 0; at < PEOPLE; at++)
        if (people[at].uid == uid)
            return person(at, pw, buffer, size, err);
    return NSS_STATUS_NOTFOUND;
}

/* 5100 are on call, 5101 may not. What it says of members: [f]ewer says nobody, [l]ess says so in one place of two. */
static status group(const char *name, gid_t gid, struct group *gr, char *buffer, size_t size, int *err)
{
    char **members = (char **)buffer;
    int oncall = gid == 5100;
    if (size < 8 * sizeof(char *)) {
        *err = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    members[0] = mode() == 'f' ? NULL : "dina";
    members[1] = members[0] && oncall ? "dirk" : NULL;
    members[2] = NULL;
    gr->gr_name = (char *)name;
    gr->gr_gid = gid;
    gr->gr_passwd = "x";
    gr->gr_mem = members;
    return NSS_STATUS_SUCCESS;
}

status _nss_far_getgrnam_r(const char *name, struct group *gr, char *buffer, size_t size, int *err)
{
    if (!answers(err))
        return NSS_STATUS_UNAVAIL;
    if (!strcmp(name, "oncall-far"))
        return group("oncall-far", 5100, gr, buffer, size, err);
    if (!strcmp(name, "never-far"))
        return group("never-far", 5101, gr, buffer, size, err);
    return NSS_STATUS_NOTFOUND;
}

status _nss_far_getgrgid_r(gid_t gid, struct group *gr, char *buffer, size_t size, int *err)
{
    if (!answers(err))
        return NSS_STATUS_UNAVAIL;
    if (gid == 5100)
        return group("oncall-far", gid, gr, buffer, size, err);
    if (gid == 5101)
        return group("never-far", gid, gr, buffer, size, err);
    return NSS_STATUS_NOTFOUND;
}

status _nss_far_initgroups_dyn(const char *user, gid_t first, long *start, long *size, gid_t **groups, long limit, int *err)
{
    (void)first, (void)limit;
    if (!answers(err))
        return NSS_STATUS_UNAVAIL;
    if (mode() == 'f')
        return NSS_STATUS_NOTFOUND;
    if (*start + 2 > *size) {
        *err = ERANGE;
        return NSS_STATUS_TRYAGAIN;
    }
    if (!strcmp(user, "dirk") || !strcmp(user, "dina"))
        (*groups)[(*start)++] = 5100;
    if (!strcmp(user, "dina") && mode() != 'l')
        (*groups)[(*start)++] = 5101;
    return NSS_STATUS_SUCCESS;
}
