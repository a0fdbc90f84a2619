#!/usr/bin/perl

# sled run and a real gateway: registering, resuming, being drained, and how
# it comes back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;

use Uplink::Daemon;
use Uplink::Test;

my $t = Uplink::Test->new;

my $conf = <<'EOC';
    uplink_zone main 1m;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        uplink_auth_tokens %%DIR%%/tokens;
        location = /sled { uplink_sled main; uplink_registration required; }
        location /v1/ { uplink_api main; uplink_auth off; }
        location = /status { uplink_status main; uplink_auth off; }
    }
EOC

$t->write_file('tokens',
    'sled-1:sled:' . sha256_hex('right') . ":workspaces=W\n");
$t->conf($conf);
$t->run;

my $url = 'ws://127.0.0.1:' . $t->port . '/sled';
my $sled = Uplink::Daemon->new(gateway => $url,
    env => { SLED_TOKEN => 'right' });

$sled->run('--stable', '1ms');
ok($sled->wait_log(qr/registered: .* anew/), 'registers');

sub sleds { $t->http(GET => '/status')->json->{sleds} }

is(sleds()->{connections}, 1, 'the gateway has it');

# nothing of the secret where others could see it

sub slurp { my ($path) = @_; return Uplink::Daemon->slurp($path) }

# (valgrind keeps a copy of its own)

unlike($sled->{valgrind} ? '' : slurp('/proc/' . $sled->pid . '/environ'),
    qr/right/,
    'the token is not in /proc/PID/environ');
unlike(slurp('/proc/' . $sled->pid . '/cmdline'), qr/right/, 'nor in ps');

# flow control, by the one who owns the machine

my ($code, $reply) = $sled->command('pause');
is($code, 0, 'sled pause');
ok($t->wait_for(sub { sleds()->{paused} == 1 }), 'the gateway knows');
$sled->command('resume');
ok($t->wait_for(sub { sleds()->{paused} == 0 }), 'and knows of the resume');

($code, $reply) = $sled->command('status');
ok($reply->{connected}, 'sled status: connected');

# a worker dies: back at once, with what it had

my ($old) = $sled->log =~ /as (sled-1-\w+), anew/;
$t->allow(qr/exited on signal 9/);
kill KILL => $_ for $t->workers;

ok($sled->wait_log(qr/disconnected/), 'the worker was killed');
ok($sled->wait_log(qr/registered: .* resumed/), 'resumed');
ok($t->wait_for(sub { sleds()->{connections} == 1 }), 'one connection');

# reload: drained, the new link stands before the old one is gone

$t->reload;
ok($sled->wait_log(qr/drain: dialing again/, 1, 30), 'was told to dial');
ok($sled->wait_log(qr/registered: .* resumed/, 2, 30), 'resumed once more');
my @lost = $sled->log =~ /(disconnected)/g;
is(scalar @lost, 1, 'without ever being disconnected');
ok($t->wait_for(sub { sleds()->{connections} == 1 }, 20), 'one connection');

unlike($t->log . $t->access_log . $sled->log, qr/right/,
    'the token is in no log');

$sled->finish;
ok($t->wait_for(sub { sleds()->{connections} == 0 }), 'said goodbye');

# refusals are not hammered

my $wrong = Uplink::Daemon->new(gateway => $url, env => { SLED_TOKEN => 'no' });
$wrong->run('--retry-refused', '20s', '--log-format', 'json');
my $line = $wrong->wait_log(qr/"refused"/);
ok($line, 'a wrong token is a refusal');

my $event = JSON::PP->new->decode($line);
is($event->{level}, 'error', 'logged as JSON, as an error');
like($event->{message}, qr/401/, 'which says why');
my ($ms) = $event->{message} =~ /in (\d+) ms/;
cmp_ok($ms, '>=', 10000, 'the next try is far');
$wrong->finish;

my $other = Uplink::Daemon->new(gateway => $url, id => 'somebody',
    env => { SLED_TOKEN => 'right' });
$other->run;
like($other->wait_log(qr/refused: /), qr/registration failed: agent_not/,
    'a name that the token does not allow is a refusal');
$other->finish;

# an unreachable gateway: three quick tries, then further and further apart;
# and the next gateway on failure

my $nowhere = 'ws://127.0.0.1:' . $t->port(1) . '/sled';
my $far = Uplink::Daemon->new(gateway => $nowhere);
$far->run('--retry-max', '1s');
$far->wait_log(qr/unreachable: .* try 5 /);
my @tries = $far->log =~ /try (\d) in (\d+) ms/g;
is("@tries[0, 2, 4]", '1 2 3', 'tries');
ok(!(grep { $_ > 250 } @tries[1, 3, 5]), 'the first three are quick');
$far->finish;

my $second = Uplink::Daemon->new(gateway => [$nowhere, $url],
    env => { SLED_TOKEN => 'right' });
$second->run;
ok($second->wait_log(qr/registered: \Q$url\E/), 'the second gateway');
$second->finish;

$t->finish;
done_testing;
