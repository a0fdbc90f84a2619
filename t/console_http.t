#!/usr/bin/perl

# uplink_console: what it serves, and how.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /console/ { uplink_console main; }

        location /bare {
            uplink_console main api=/gw/api/ "terminal=/t/{issue}" status=/s;
        }

        location /closed/ {
            uplink_console main;
            uplink_auth required;
            uplink_identity $arg_who;
        }

        location /zipped/ {
            gzip on;
            gzip_min_length 1;
            gzip_types *;
            uplink_console main;
        }

        location = /status { uplink_status main; }
    }
EOC

$t->run;

my %type = (
    '' => 'text/html; charset=utf-8',
    'index.html' => 'text/html; charset=utf-8',
    'console.js' => 'text/javascript; charset=utf-8',
    'console.css' => 'text/css; charset=utf-8',
);

for my $name (sort keys %type) {
    my $path = "/console/$name";
    my $r = $t->http(GET => $path);

    is($r->status, 200, "GET $path");
    is($r->header('content-type'), $type{$name}, 'its type');
    is($r->header('content-encoding'), undef, 'as it is');
    is($r->body, $t->read_file("$Uplink::Test::root/src/console/dist/"
        . ($name || 'index.html')), 'is the file');
    is($r->header('cache-control'), 'no-cache', 'asked for each time');
    is($r->header('vary'), 'Accept-Encoding', 'Vary');

    my $etag = $r->header('etag');
    like($etag, qr/^"[0-9a-f]{32}"$/, 'a strong ETag');

    my $z = $t->http(GET => $path, headers => ['Accept-Encoding' => 'gzip']);
    is($z->status, 200, 'compressed');
    is($z->header('content-encoding'), 'gzip', 'and says so');
    is($z->header('vary'), 'Accept-Encoding', 'Vary');
    isnt($z->header('etag'), $etag, 'another ETag');
    cmp_ok(length $z->body, '<', length $r->body, 'shorter');

    gunzip(\$z->{body}, \my $plain);
    is($plain, $r->body, 'the same');

    for ([$etag, undef], [$z->header('etag'), 'gzip'],
        [qq{"x", W/$etag}, undef])
    {
        my ($known, $coding) = @$_;
        my $n = $t->http(GET => $path, headers => ['If-None-Match' => $known,
            $coding ? ('Accept-Encoding' => $coding) : ()]);
        is($n->status, 304, "304 for $known");
        is($n->body, '', 'without a body');
        like($n->header('etag') // '', qr/^"/, 'with its ETag');
        is($n->header('cache-control'), 'no-cache', 'and how long it is good');
    }

    my $h = $t->http(HEAD => $path);
    is($h->status, 200, 'HEAD');
    is($h->header('content-length'), length $r->body, 'its length');
    is($h->header('etag'), $etag, 'its ETag');
}

# ---- what keeps the page to itself, in every answer

for my $path ('/console/', '/console/console.js', '/console/config.json',
    '/console/nothing', '/closed/')
{
    my $r = $t->http(GET => $path);
    my $csp = $r->header('content-security-policy') // '';

    is($csp, "default-src 'none'; script-src 'self'; style-src 'self'; "
        . "connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        . "base-uri 'none'; form-action 'none'", "$path: what may run");
    is($r->header('x-content-type-options'), 'nosniff', 'no guessing');
    is($r->header('referrer-policy'), 'no-referrer', 'no referrer');
    is($r->header('cross-origin-opener-policy'), 'same-origin', 'no opener');
}

# ---- config.json

my $r = $t->http(GET => '/console/config.json');
is($r->status, 200, 'config.json');
is($r->header('content-type'), 'application/json', 'its type');
is($r->header('cache-control'), 'no-cache', 'asked for each time');
like($r->json->{version}, qr/^\d+\.\d+\.\d+$/, 'the version');
is_deeply([@{$r->json}{qw(fleet api terminal status)}],
    ['main', '/v1', '/ws/issues/{issue}/terminal', '/status'], 'the defaults');
is($t->http(GET => '/console/config.json', headers => ['If-None-Match' =>
    scalar $r->header('etag')])->status, 304, 'is known');

my $other = $t->http(GET => '/bare/config.json');
is_deeply([@{$other->json}{qw(fleet api terminal status)}],
    ['main', '/gw/api/', '/t/{issue}', '/s'], 'other places');
isnt($other->header('etag'), $r->header('etag'), 'another ETag');

# ---- the slash

for ([ '/console', '/console/' ], [ '/console?a=b', '/console/?a=b' ],
    [ '/bare', '/bare/' ], [ '/bare?a=b', '/bare/?a=b' ])
{
    my ($from, $to) = @$_;
    my $r = $t->http(GET => $from);

    is($r->status, 301, "$from is elsewhere");
    like($r->header('location') // '', qr{^http://[^/]+\Q$to\E$}, "at $to");
}

is($t->http(GET => '/bare/')->status, 200, 'a prefix without a slash');

# ---- what there is not

for my $path (qw(/console/nothing /console/console.js/ /console/CONSOLE.JS
    /console/console.js.gz /console/index /bares /console//index.html.gz))
{
    my $r = $t->http(GET => $path);
    is($r->status, 404, "GET $path");
    is($r->json->{error}{code}, 'not_found', 'as JSON');
}

$r = $t->http(POST => '/console/', json => { a => 1 });
is($r->status, 405, 'POST');
is($r->header('allow'), 'GET, HEAD', 'Allow');
is($r->json->{error}{code}, 'method_not_allowed', 'as JSON');

# ---- who may see it

$r = $t->http(GET => '/closed/');
is($r->status, 401, 'closed where it is told to be');
is($r->json->{error}{code}, 'auth_required', 'as JSON');
is($t->http(GET => '/closed/?who=me')->status, 200, 'and open with a name');

# ---- nginx's own compression leaves it alone

$r = $t->http(GET => '/zipped/console.js', headers => ['Accept-Encoding' =>
    'gzip']);
is($r->status, 200, 'with gzip on');
gunzip(\$r->{body}, \my $once);
is($once, $t->http(GET => '/console/console.js')->body, 'compressed once');

# ---- what cannot be configured

my $open = "uplink_zone main 1m;\nserver { listen 127.0.0.1:%%PORT_0%%;";

for my $bad ('api=v1', 'api=//host/v1', 'api=', 'api=http://host/v1',
    'terminal=/ws', 'status=status', 'fleet=main', 'api=/a api=/b')
{
    my ($code, $said) = $t->check("$open location /c/ { uplink_console main "
        . "$bad; } }");
    my ($last) = $bad =~ /(\S+)$/;

    is($code, 1, "$bad: refused");
    is($said, qq{invalid parameter "$last" in http:2}, 'and says why');
}

for my $where ('= /c/', '~ ^/c/') {
    my ($code, $said) = $t->check("$open location $where { uplink_console "
        . 'main; } }');
    is($said, '"uplink_console" directive needs a location given by a prefix '
        . 'in http:2', "in a location $where");
}

$t->finish;

done_testing;
