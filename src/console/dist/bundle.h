
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "b4ee1078e8df6a7696f1327e0dd6bc5b"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "eb27188c4bcd436411222e5ce425bc80"
