#!/usr/bin/perl

# Which origins may open a door.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->certificate;

$t->conf(<<'EOC')->run;
uplink_auth off;

server {
    listen 127.0.0.1:%%PORT_0%%;
    listen 127.0.0.1:%%PORT_1%% ssl;

    ssl_certificate %%DIR%%/cert.pem;
    ssl_certificate_key %%DIR%%/key.pem;

    location = /own { uplink_echo; }
    location = /any { uplink_echo; uplink_allowed_origins *; }
    location = /list {
        uplink_echo;
        uplink_allowed_origins https://a.example http://b.example:8080;
        uplink_allowed_origins http://[::1]:81 app://c;
    }
}
EOC

# a door, Host, Origin, and the status; "s" before the door: over TLS

my @table = (
    ['own', 'gw.example', undef, 101],
    ['own', 'gw.example', 'http://gw.example', 101],
    ['own', 'gw.example', 'https://gw.example', 101],
    ['own', 'gw.example', 'HTTP://GW.Example', 101],
    ['own', 'GW.example', 'http://gw.example', 101],
    ['own', 'gw.example', 'http://gw.example:80', 101],
    ['own', 'gw.example:80', 'http://gw.example', 101],
    ['own', 'gw.example:443', 'https://gw.example', 101],
    ['own', 'gw.example:8080', 'http://gw.example:8080', 101],
    ['own', '[::1]:8080', 'http://[::1]:8080', 101],
    ['own', '[::1]', 'http://[::1]', 101],

    ['own', 'gw.example', 'http://gw.example:8080', 403],
    ['own', 'gw.example:8080', 'http://gw.example', 403],
    ['own', 'gw.example:443', 'http://gw.example', 403],
    ['own', 'gw.example:80', 'https://gw.example', 403],
    ['own', 'gw.example', 'http://evil.example', 403],
    ['own', 'gw.example', 'http://gw.example.evil', 403],
    ['own', 'gw.example', 'http://evil.gw.example', 403],
    ['own', 'gw.example', 'http://gw.example/', 403],
    ['own', 'gw.example', 'http://gw.example@evil', 403],
    ['own', 'gw.example', 'http://evil@gw.example', 403],
    ['own', 'gw.example', 'ws://gw.example', 403],
    ['own', 'gw.example', 'file://gw.example', 403],
    ['own', 'gw.example', 'gw.example', 403],
    ['own', 'gw.example', '//gw.example', 403],
    ['own', 'gw.example', 'null', 403],
    ['own', 'gw.example', '', 403],
    ['own', 'gw.example', 'http://gw.example http://gw.example', 403],
    ['own', 'gw.example', 'http://gw.example:', 403],
    ['own', 'gw.example', 'http://gw.example:080', 101],
    ['own', 'gw.example', 'http://gw.example:65616', 403],
    ['own', '[::1]', 'http://[::2]', 403],
    ['own', '[::1]', 'http://[::1', 403],

    ['sown', 'gw.example', 'https://gw.example', 101],
    ['sown', 'gw.example:443', 'https://gw.example', 101],
    ['sown', 'gw.example:8443', 'https://gw.example:8443', 101],
    ['sown', 'gw.example', 'http://gw.example', 403],
    ['sown', 'gw.example:80', 'http://gw.example', 403],

    ['any', 'gw.example', 'https://a.example', 101],
    ['any', 'gw.example', 'app://x', 101],
    ['any', 'gw.example', 'null', 403],
    ['any', 'gw.example', 'nothing', 403],

    ['list', 'gw.example', undef, 101],
    ['list', 'gw.example', 'https://a.example', 101],
    ['list', 'gw.example', 'https://A.example:443', 101],
    ['list', 'gw.example', 'http://b.example:8080', 101],
    ['list', 'gw.example', 'http://[::1]:81', 101],
    ['list', 'gw.example', 'app://c', 101],
    ['list', 'gw.example', 'http://a.example', 403],
    ['list', 'gw.example', 'https://a.example:80', 403],
    ['list', 'gw.example', 'http://b.example', 403],
    ['list', 'gw.example', 'http://gw.example', 403],
    ['list', 'gw.example', 'app://d', 403],
    ['list', 'gw.example', 'null', 403],
);

for my $case (@table) {
    my ($door, $host, $origin, $status) = @$case;
    my $tls = $door =~ s/^s//;

    my $ws = $t->handshake("/$door", headers => [Host => $host,
        Origin => $origin], $tls ? (tls => 1, port => $t->port(1)) : ());

    is($ws->status, $status, sprintf '%s%s: "%s" at %s', $tls ? 'TLS ' : '',
        $door, $origin // 'none', $host);
    is($ws->json->{error}{code}, 'forbidden', 'code') if $status == 403;

    $ws->close;
}

# twice, even the same, is not something that a browser does

is($t->handshake('/own', headers => [Host => 'gw', Origin => 'http://gw',
    Origin => 'http://gw'])->status, 403, 'two of them');

like($t->log, qr/client sent "Origin" header that is not allowed: /,
    'the log says it');

$t->finish;

done_testing;
