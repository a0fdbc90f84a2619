#!/usr/bin/perl

# uplink_audit_log in nginx -t: what it says, to the letter; and that a fleet
# without one, or with "off", writes none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Audit;

my $t = Uplink::Audit->new;

$t->port(0);

my $zone = 'uplink_zone main 1m;';
my $log = 'uplink_audit_log %%DIR%%/audit.log';

sub bad {
    my ($text, $message, $name) = @_;

    my ($code, $said) = $t->check($text);

    is($code, 1, "$name: refused");
    is($said, $message, "$name: what it says");
    return;
}

bad('uplink_audit_log;', 'invalid number of arguments in "uplink_audit_log" '
    . 'directive in http:1', 'no path');
bad("$log a b c d e;", 'invalid number of arguments in "uplink_audit_log" '
    . 'directive in http:1', 'too many');

for my $wrong (qw(input input= input=yes input=onn on_error= on_error=off
    fleet= 0640))
{
    bad("$log $wrong;", qq{invalid parameter "$wrong" in http:1}, $wrong);
}

bad("$log;\n$log input=on;",
    '"uplink_audit_log" directive is duplicate in http:2', 'twice');
bad("$zone\n$log fleet=main;\n$log fleet=main;",
    '"uplink_audit_log" directive is duplicate in http:3',
    'twice for a fleet');
bad("$log fleet=none;", '"uplink_audit_log" names unknown fleet "none", add '
    . '"uplink_zone none 10m;" to the http block in http:1', 'no such fleet');
bad("server { listen 127.0.0.1:%%PORT_0%%; $log; }",
    '"uplink_audit_log" directive is not allowed here in http:1',
    'in a server');
bad("server { listen 127.0.0.1:%%PORT_0%%; location / { $log; } }",
    '"uplink_audit_log" directive is not allowed here in http:1',
    'in a location');
bad("$zone\nuplink_audit_log %%DIR%%/none/audit.log;",
    'open() "%%DIR%%/none/audit.log" failed (2: No such file or directory)',
    'no such folder');

for my $good ("$log;", "$log input=on on_error=deny fleet=main;",
    "$log input=off on_error=log;\nuplink_audit_log off fleet=main;",
    'uplink_audit_log off;')
{
    is(($t->check("$zone\n$good"))[0], 0, "good: $good");
}

# one for all fleets, one of its own, none

my $doors = join '', map { "location /$_/ { uplink_api $_; }\n" }
    qw(main own none);

$t->conf(<<"EOC");
    uplink_zone main 1m;
    uplink_zone own 1m;
    uplink_zone none 1m;

    $log;
    uplink_audit_log %%DIR%%/own.log fleet=own;
    uplink_audit_log off fleet=none;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        uplink_auth off;
        uplink_permission_timeout 100ms;
        $doors
        location = /status { uplink_status main; }
    }
EOC

$t->run;

for my $fleet (qw(main own none)) {
    is($t->http(POST => "/$fleet/permissions", json => {
        tool_name => 'T', tool_input => {} })->status, 200, "ask $fleet");
}

$t->finish(leaves => 'requests are remembered');

for my $file (qw(audit.log own.log)) {
    my $fleet = $file eq 'audit.log' ? 'main' : 'own';
    my @lines = $t->lines($file);

    is(scalar(grep { $_->{fleet} ne $fleet } @lines), 0, "$file: its fleet");
    is_deeply([map { $_->{event} } grep { $_->{req_id} } @lines],
        ['asked', 'expired'], "$file: what was asked there");
    is(($t->verify($file))[0], 0, "$file: whole");
}

# as every log that core opens

is(sprintf('%04o', (stat "$t->{dir}/audit.log")[2] & 07777),
    sprintf('%04o', 0644 & ~umask), 'its permissions are those of a log');

done_testing;
