#!/usr/bin/perl

# Bad configurations: what nginx -t says, to the letter.  Every directive is
# tried with a wrong value, twice in one place, and where it may not stand;
# the list of directives is the code's own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->port(0);

my $server = 'server { listen 127.0.0.1:%%PORT_0%%; uplink_auth off;';

sub bad {
    my ($text, $message, $name) = @_;

    my ($code, $said) = $t->check($text);

    is($code, 1, "$name: refused");
    is($said, $message, "$name: what it says");
    return;
}

# ---- uplink_zone

bad("uplink_zone;", 'invalid number of arguments in "uplink_zone" directive '
    . 'in http:1', 'no arguments');
bad("uplink_zone main;", 'invalid number of arguments in "uplink_zone" '
    . 'directive in http:1', 'no size');
bad("uplink_zone main much;", 'invalid zone size "much" in http:1',
    'not a size');
bad("uplink_zone main 63k;", 'zone "main" is too small in http:1',
    'below 64k');
bad("uplink_zone main 1m port=3;", 'invalid parameter "port=3" in http:1',
    'unknown parameter');
bad("uplink_zone main 1m ports=x;", 'invalid number of ports "ports=x", it '
    . 'must be between 2 and 1024 in http:1', 'ports is no number');
bad("uplink_zone main 1m ports=1;", 'invalid number of ports "ports=1", it '
    . 'must be between 2 and 1024 in http:1', 'one port');
bad("uplink_zone main 64k ports=1024;", 'zone "main" is too small for 1024 '
    . 'ports in http:1', 'more ports than zone');
bad("uplink_zone main 1m;\nuplink_zone main 1m;",
    'duplicate zone "main" in http:2', 'twice');
bad("$server uplink_zone main 1m; }", '"uplink_zone" directive is not allowed '
    . 'here in http:1', 'in a server');
bad("limit_req_zone \$uri zone=main:1m rate=1r/s;\nuplink_zone main 1m;",
    'the shared memory zone "main" is already declared for a different use '
    . 'in http:2', 'the name of another zone');

# ---- the doors

for my $door (qw(sled api status console)) {
    bad("$server location /x/ { uplink_$door; } }",
        qq{invalid number of arguments in "uplink_$door" directive in http:1},
        "uplink_$door without a fleet");
    bad("$server uplink_$door main; }",
        qq{"uplink_$door" directive is not allowed here in http:1},
        "uplink_$door in a server");
    bad("uplink_zone main 1m;\n$server location /x/ { uplink_$door main;\n"
        . "uplink_$door main; } }",
        qq{"uplink_$door" directive is duplicate in http:3},
        "uplink_$door twice");
    bad("$server location /x/ { uplink_$door none; } }",
        qq{"uplink_$door" names unknown fleet "none", add "uplink_zone none }
        . '10m;" to the http block in http:1', "uplink_$door of no fleet");
}

bad("uplink_zone main 1m;\n$server location = /x { uplink_echo;\n"
    . "uplink_sled main; } }", '"uplink_sled" directive is duplicate in '
    . 'http:3', 'two doors in one location');
bad("$server location = /x { uplink_echo on; } }",
    'invalid number of arguments in "uplink_echo" directive in http:1',
    'uplink_echo with an argument');

# ---- what takes a value of some kind

my %time = map { $_ => 1 } qw(handshake_timeout resume_window drain_timeout
    permission_timeout permission_max request_timeout request_memory
    session_ttl ping_interval ping_timeout close_timeout);
my %size = map { $_ => 1 } qw(max_message send_buffer);
my %number = map { $_ => 1 } qw(max_connections_per_agent max_inflight
    max_sessions);

for my $name (sort keys %time, keys %size, keys %number) {
    my $wrong = $time{$name} ? '5parsecs' : $size{$name} ? '5parsecs' : 'some';
    my $right = $time{$name} ? '5s' : '10';

    bad("uplink_$name $wrong;", $number{$name}
        ? qq{"uplink_$name" directive invalid number in http:1}
        : qq{"uplink_$name" directive invalid value in http:1},
        "uplink_$name $wrong");
    bad("uplink_$name $right;\nuplink_$name $right;",
        qq{"uplink_$name" directive is duplicate in http:2},
        "uplink_$name twice");
    bad("uplink_$name;",
        qq{invalid number of arguments in "uplink_$name" directive in http:1},
        "uplink_$name without a value");

    for my $place ("uplink_$name $right;",
        "$server uplink_$name $right; }",
        "$server location / { uplink_$name $right; } }")
    {
        is(($t->check($place))[0], 0, "uplink_$name: good where it may stand");
    }
}

my %word = (
    auth => [qw(required optional off)],
    registration => [qw(optional required)],
    no_operator => [qw(wait deny)],
);

for my $name (sort keys %word) {
    bad("uplink_$name perhaps;", 'invalid value "perhaps" in http:1',
        "uplink_$name perhaps");
    is(($t->check("uplink_$name $_;"))[0], 0, "uplink_$name $_")
        for @{$word{$name}};
}

# ---- nothing was forgotten: the others have tests of their own

my $code = '';
for my $file ("$Uplink::Test::root/ngx_uplink_module.c") {
    open my $f, '<', $file or die "$file: $!";
    local $/;
    $code .= <$f>;
}

my %elsewhere = map { $_ => 1 } qw(zone sled api status console echo
    auth_query auth_tokens auth_jwt_key auth_jwks auth_jwt_issuer
    auth_jwt_audience auth_jwt_leeway auth_cookie authorize identity
    allowed_origins allowed_agents max_tasks terminal resolve
    terminal_linger idle_timeout open_timeout max_terminals
    max_terminals_per_user audit_log);

for my $name ($code =~ /ngx_string\("uplink_(\w+)"\),\s+NGX_/g) {
    ok($time{$name} || $size{$name} || $number{$name} || $word{$name}
        || $elsewhere{$name}, "uplink_$name is tested");
}

done_testing;
