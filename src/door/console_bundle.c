
/*
 * The files of the console, as src/console/build.mjs has left them in
 * src/console/dist.  bundle.h is written with them, and has their digests: a
 * new bundle is a new bundle.h, which is how make comes to hear of it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "door/console.h"
#include "console/dist/bundle.h"


#define ngx_uplink_bundle_file(symbol, path)                                  \
    __asm__(".section .rodata\n"                                              \
            ".globl " #symbol "\n"                                            \
            ".hidden " #symbol "\n"                                           \
            #symbol ":\n"                                                     \
            ".incbin \"console/dist/" path "\"\n"                             \
            ".globl " #symbol "_end\n"                                        \
            ".hidden " #symbol "_end\n"                                       \
            #symbol "_end:\n"                                                 \
            ".byte 0\n"                                                       \
            ".previous\n");                                                   \
                                                                              \
    extern const u_char  symbol[], symbol##_end[]

#define ngx_uplink_bundle_both(symbol, path)                                  \
    ngx_uplink_bundle_file(symbol, path);                                     \
    ngx_uplink_bundle_file(symbol##_gz, path ".gz")

#define ngx_uplink_bundle_form(symbol, etag)                                  \
    { symbol, symbol##_end, ngx_string("\"" etag "\"") }

#define ngx_uplink_bundle_page(symbol, path, type, digest)                    \
    { ngx_string(path), ngx_string(type),                                     \
      ngx_uplink_bundle_form(symbol, digest),                                 \
      ngx_uplink_bundle_form(symbol##_gz, digest "-gzip") }


ngx_uplink_bundle_both(ngx_uplink_bundle_html, "index.html");
ngx_uplink_bundle_both(ngx_uplink_bundle_js, "console.js");
ngx_uplink_bundle_both(ngx_uplink_bundle_css, "console.css");


const ngx_uplink_page_t  ngx_uplink_bundle[] = {

    ngx_uplink_bundle_page(ngx_uplink_bundle_html, "index.html",
                           "text/html; charset=utf-8",
                           NGX_UPLINK_BUNDLE_INDEX_HTML),

    ngx_uplink_bundle_page(ngx_uplink_bundle_js, "console.js",
                           "text/javascript; charset=utf-8",
                           NGX_UPLINK_BUNDLE_CONSOLE_JS),

    ngx_uplink_bundle_page(ngx_uplink_bundle_css, "console.css",
                           "text/css; charset=utf-8",
                           NGX_UPLINK_BUNDLE_CONSOLE_CSS),

    { ngx_null_string, ngx_null_string, { NULL, NULL, ngx_null_string },
      { NULL, NULL, ngx_null_string } }
};
