
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


#define NGX_UPLINK_BUNDLE_INDEX_HTML  "eb909559ebda74de0ba6a0bc3538ccbc"
#define NGX_UPLINK_BUNDLE_CONSOLE_JS  "37a80bcda5a9aaeb1efef35c3f2d70e7"
#define NGX_UPLINK_BUNDLE_CONSOLE_CSS  "eb27188c4bcd436411222e5ce425bc80"
