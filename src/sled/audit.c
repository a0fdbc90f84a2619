
/*
 * sled audit-verify: are the chains of an audit log whole?
 */


#include "run.h"

#include <inttypes.h>
#include <openssl/evp.h>


#define AUDIT_BEGIN  "{\"chain\":\""
#define AUDIT_NAME   16        /* hex digits of a chain's name */
#define AUDIT_HASH   64        /* and of a digest */
#define AUDIT_LINE   (1024 * 1024)


/* a line, as it is told of */

typedef struct {
    const char          *file;
    unsigned long        line;
} audit_place_t;


typedef struct audit_chain_s  audit_chain_t;

struct audit_chain_s {
    audit_chain_t       *next;
    uint64_t             seq;       /* of the last line */
    uint64_t             torn;      /* of one that is not whole, or 0 */
    audit_place_t        place;     /* of the last line */
    audit_place_t        torn_at;
    int                  closed;
    char                 name[AUDIT_NAME + 1];
    char                 hash[AUDIT_HASH + 1];
};


/* a line does not fit the one before: the one behind says which is wrong */

typedef struct {
    audit_chain_t       *chain;     /* NULL: there is none */
    audit_place_t        before;
    audit_place_t        after;
} audit_doubt_t;


typedef struct {
    audit_chain_t       *chains;
    audit_doubt_t        doubt;
    audit_place_t        place;     /* of what is read */
    unsigned long        lines;
    unsigned long        nchains;
    int                  complete;  /* nothing may be missing at the start */
    int                  broken;
    int                  missing;
} audit_t;


static void
audit_broken(audit_t *audit, audit_place_t *place, const char *text)
{
    if (audit->broken) {
        return;
    }

    audit->broken = 1;

    if (audit->doubt.chain) {

        /* that one was first, and nobody has said yet which of the two */

        place = &audit->doubt.before;
        text = "was changed, or the next line of its chain was";
    }

    printf("%s:%lu: broken: %s\n", place->file, place->line, text);
}


static void
audit_note(audit_place_t *place, const char *text)
{
    printf("%s:%lu: %s\n", place->file, place->line, text);
}


static int
audit_digest(const char *data, size_t len, char *hex)
{
    unsigned        i, n;
    unsigned char   digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(data, len, digest, &n, EVP_sha256(), NULL) != 1) {
        return SLED_ERROR;
    }

    for (i = 0; i < n; i++) {
        sprintf(hex + 2 * i, "%02x", digest[i]);
    }

    return SLED_OK;
}


static audit_chain_t *
audit_find(audit_t *audit, const char *name)
{
    audit_chain_t  *chain;

    for (chain = audit->chains; chain; chain = chain->next) {
        if (strcmp(chain->name, name) == 0) {
            return chain;
        }
    }

    return NULL;
}


static audit_chain_t *
audit_chain(audit_t *audit, const char *name)
{
    audit_chain_t  *chain;

    chain = audit_find(audit, name);

    if (chain) {
        return chain;
    }

    chain = calloc(1, sizeof(audit_chain_t));
    if (chain == NULL) {
        return NULL;
    }

    snprintf(chain->name, sizeof(chain->name), "%s", name);
    chain->next = audit->chains;

    audit->chains = chain;
    audit->nchains++;

    return chain;
}


/*
 * A piece of a line: its writer died over it, or the disk was full.  That is
 * as it should be if the line comes again, or if the chain ends before it.
 */

static int
audit_torn(audit_t *audit, const char *data, size_t len)
{
    char            name[AUDIT_NAME + 1];
    size_t          begin;
    uint64_t        seq;
    audit_chain_t  *chain;

    begin = sizeof(AUDIT_BEGIN) - 1;

    if (len <= begin + AUDIT_NAME
        || sscanf(data + begin + AUDIT_NAME, "\",\"seq\":%" SCNu64 ",\"", &seq)
           != 1)
    {
        if (len < begin ? memcmp(data, AUDIT_BEGIN, len) == 0
                        : memcmp(data, AUDIT_BEGIN, begin) == 0)
        {
            audit_note(&audit->place, "torn: only the start of a line");

        } else {
            audit_broken(audit, &audit->place, "not a line of an audit log");
        }

        return SLED_OK;
    }

    memcpy(name, data + begin, AUDIT_NAME);
    name[AUDIT_NAME] = '\0';

    chain = audit_chain(audit, name);
    if (chain == NULL) {
        return SLED_ERROR;
    }

    if (chain->torn == 0) {
        chain->torn = seq;
        chain->torn_at = audit->place;
    }

    return SLED_OK;
}


/* it tells of another chain: that one of a worker that is gone */

static void
audit_after(audit_t *audit, json_t *line)
{
    char            text[160];
    uint64_t        seq;
    const char     *name, *hash, *event;
    audit_chain_t  *chain;

    name = sled_json_text(line, "after_chain");
    hash = sled_json_text(line, "after_sha256");

    if (name == NULL || hash == NULL) {
        return;
    }

    seq = (uint64_t) sled_json_number(line, "after_seq", 0);
    chain = audit_find(audit, name);

    if (chain == NULL || chain->seq == 0) {

        if (seq) {
            snprintf(text, sizeof(text), "follows chain %.16s, which is not "
                     "in these files", name);
            audit_note(&audit->place, text);
            audit->missing = 1;
        }

        return;
    }

    if (chain->seq < seq) {
        snprintf(text, sizeof(text), "lines %llu to %llu of chain %s are "
                 "missing: this is its last one",
                 (unsigned long long) chain->seq + 1,
                 (unsigned long long) seq, chain->name);
        audit_broken(audit, &chain->place, text);
        return;
    }

    if (chain->seq == seq && strcmp(chain->hash, hash) != 0) {
        audit_broken(audit, &chain->place, "was changed, and is the last of "
                                           "its chain");
    }

    if (chain->torn > seq) {
        audit_note(&chain->torn_at, "torn: its worker died over it");
        chain->torn = 0;
    }

    event = sled_json_text(line, "event");

    if (event && strcmp(event, "worker_lost") == 0) {
        chain->closed = 1;
    }
}


static void
audit_first(audit_t *audit, uint64_t seq, const char *prev)
{
    char  text[96];

    if (seq == 1) {
        if (strspn(prev, "0") != AUDIT_HASH) {
            audit_broken(audit, &audit->place, "was changed: the first of a "
                                               "chain follows nothing");
        }

        return;
    }

    snprintf(text, sizeof(text), "begins with line %llu of its chain, what "
             "was before is not in these files", (unsigned long long) seq);
    audit_note(&audit->place, text);
    audit->missing = 1;
}


static void
audit_next(audit_t *audit, audit_chain_t *chain, uint64_t seq,
    const char *prev)
{
    char            text[160];
    audit_doubt_t  *doubt;

    doubt = &audit->doubt;

    if (doubt->chain == chain) {
        doubt->chain = NULL;
        audit_broken(audit, strcmp(prev, chain->hash) == 0 ? &doubt->before
                                                           : &doubt->after,
                     "was changed");
    }

    if (chain->closed) {
        audit_broken(audit, &audit->place, "comes behind the end of its "
                                           "chain");
        return;
    }

    if (chain->torn && chain->torn < seq && chain->seq + 1 != seq) {
        audit_broken(audit, &chain->torn_at, "is not whole, and does not "
                                             "come again");
        return;
    }

    if (seq != chain->seq + 1) {
        snprintf(text, sizeof(text), "is line %llu of its chain, behind line "
                 "%llu (%s:%lu)", (unsigned long long) seq,
                 (unsigned long long) chain->seq, chain->place.file,
                 chain->place.line);
        audit_broken(audit, &audit->place, text);
        return;
    }

    if (strcmp(prev, chain->hash) != 0 && doubt->chain == NULL) {
        doubt->chain = chain;
        doubt->before = chain->place;
        doubt->after = audit->place;
    }
}


static int
audit_whole(audit_t *audit, const char *data, size_t len, json_t *line)
{
    uint64_t        seq;
    const char     *name, *prev, *event;
    audit_chain_t  *chain;

    name = sled_json_text(line, "chain");
    prev = sled_json_text(line, "prev");
    event = sled_json_text(line, "event");
    seq = (uint64_t) sled_json_number(line, "seq", 0);

    if (name == NULL || strlen(name) != AUDIT_NAME || prev == NULL
        || strlen(prev) != AUDIT_HASH || event == NULL || seq == 0)
    {
        audit_broken(audit, &audit->place, "not a line of an audit log");
        return SLED_OK;
    }

    chain = audit_chain(audit, name);
    if (chain == NULL) {
        return SLED_ERROR;
    }

    if (chain->seq == 0) {
        audit_first(audit, seq, prev);

    } else {
        audit_next(audit, chain, seq, prev);
    }

    if (chain->torn && chain->torn <= seq) {
        audit_note(&chain->torn_at, "torn: the line comes again");
        chain->torn = 0;
    }

    audit->lines++;

    chain->seq = seq;
    chain->place = audit->place;

    audit_after(audit, line);

    if (strcmp(event, "stopped") == 0) {
        chain->closed = 1;
    }

    if (strcmp(event, "lost") == 0 || strcmp(event, "emptied") == 0) {
        audit_note(&audit->place, "the gateway could not write everything "
                                  "before this");
    }

    return audit_digest(data, len, chain->hash);
}


static int
audit_piece(audit_t *audit, const char *data, size_t len)
{
    int      rc;
    json_t  *line;

    if (len == 0) {
        return SLED_OK;
    }

    line = json_loadb(data, len, JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, NULL);

    if (!json_is_object(line)) {
        json_decref(line);
        return audit_torn(audit, data, len);
    }

    rc = audit_whole(audit, data, len, line);

    json_decref(line);

    return rc;
}


/* what is torn off has no newline: another line may follow in its place */

static int
audit_line(audit_t *audit, const char *data, size_t len)
{
    const char  *p;

    while (len > 1) {
        p = memmem(data + 1, len - 1, AUDIT_BEGIN, sizeof(AUDIT_BEGIN) - 1);

        if (p == NULL) {
            break;
        }

        if (audit_piece(audit, data, p - data) != SLED_OK) {
            return SLED_ERROR;
        }

        len -= p - data;
        data = p;
    }

    return audit_piece(audit, data, len);
}


static int
audit_file(audit_t *audit, const char *name)
{
    int       rc;
    FILE     *file;
    char     *line;
    size_t    size;
    ssize_t   n;

    file = fopen(name, "r");

    if (file == NULL) {
        fprintf(stderr, "sled: %s: %s\n", name, strerror(errno));
        return SLED_ERROR;
    }

    audit->place.file = name;
    audit->place.line = 0;

    rc = SLED_OK;
    line = NULL;
    size = 0;

    while (rc == SLED_OK && (n = getline(&line, &size, file)) > 0) {
        audit->place.line++;

        if (line[n - 1] == '\n') {
            line[--n] = '\0';
        }

        if (n > AUDIT_LINE) {
            audit_broken(audit, &audit->place, "not a line of an audit log");
            continue;
        }

        rc = audit_line(audit, line, n);
    }

    if (ferror(file) || rc != SLED_OK) {
        fprintf(stderr, "sled: %s: %s\n", name, strerror(errno));
        rc = SLED_ERROR;
    }

    free(line);
    fclose(file);

    return rc;
}


/* what nobody has explained by now */

static void
audit_end(audit_t *audit)
{
    audit_chain_t  *chain;

    if (audit->doubt.chain) {
        audit_broken(audit, &audit->doubt.before, NULL);
    }

    while (audit->chains) {
        chain = audit->chains;

        if (chain->torn) {
            audit_broken(audit, &chain->torn_at, "torn: the line is cut off, "
                         "and the log ends with it");
        }

        audit->chains = chain->next;
        free(chain);
    }
}


int
sled_audit_command(int argc, char **argv)
{
    int      i;
    audit_t  audit;

    memset(&audit, 0, sizeof(audit_t));

    for (i = 1; i < argc && strcmp(argv[i], "--complete") == 0; i++) {
        audit.complete = 1;
    }

    if (i == argc || argv[i][0] == '-') {
        fprintf(stderr, "usage: sled audit-verify [--complete] FILE...\n");
        return 2;
    }

    for ( /* void */ ; i < argc; i++) {
        if (audit_file(&audit, argv[i]) != SLED_OK) {
            audit_end(&audit);
            return 2;
        }
    }

    audit_end(&audit);

    if (audit.broken || (audit.missing && audit.complete)) {
        return 1;
    }

    printf("%lu lines in %lu chains: whole\n", audit.lines, audit.nchains);

    return 0;
}
