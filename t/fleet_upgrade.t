#!/usr/bin/perl

# A binary upgrade: USR2, and QUIT to the old master.  The new one has a zone
# of its own: what the old one has is drained there, decided or denied, and
# whoever dials again begins anew.
#
# not with sanitizers: nginx gives its new binary no LD_PRELOAD

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Config;
use JSON::PP ();
use Test::More;
use Uplink::Fleet;

# the new master is the old one's child, and ours when that has gone:
# prctl(PR_SET_CHILD_SUBREAPER)

my %prctl = (x86_64 => 157, aarch64 => 167);
my ($arch) = $Config{archname} =~ /^(\w+)-/;

plan skip_all => "no prctl() known for $arch" if !$prctl{$arch};
syscall($prctl{$arch}, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my $t = Uplink::Fleet->new;

# nginx does not change its binary in the foreground

$t->fleet('uplink_drain_timeout 3s;');
$t->write_file('nginx.conf',
    $t->read_file('nginx.conf') =~ s/daemon off;/daemon on;/r);

is(($t->nginx_once('-c', $t->dir . '/nginx.conf'))[0], 0, 'nginx starts');

my @masters;
END { kill 'KILL', @masters if @masters && !$t->{finished}; }

my $old = master(0);
$t->{master} = $old;
$t->{finished} = 0;
$t->register;
$t->zone_start;

my $op = $t->operator;
my ($sled, $browser, undef, $opened) = $t->terminal(
    features => [qw(resume receipts terminal.flow terminal.replay)]);

$sled->ask('decided', { n => 1 });
$sled->ask('open', { n => 2 });

my %q = map { my $m = $op->await('perm_request'); $m->{tool_input}{n} => $m }
    1, 2;

# ---- two of them

kill 'USR2', $old;

my $new = master($old);

$op->decide($q{1}, approved => $true);
is($sled->await('perm_response')->{payload}{approved}, $true,
    'the old one goes on deciding');

# ---- the old one leaves

kill 'QUIT', $old;

is($sled->await('drain')->{payload}{grace_ms}, 3000, 'its sled is told');
ok($op->await('drain'), 'so is its operator');
ok($browser->await('drain'), 'and its browser');

my $sled2 = $t->sled('alpha', resume => $sled);
ok(!$sled2->{registered}{resumed}, 'the sled begins anew');

my $r = $t->http(GET => "/v1/operators/$op->{session}{sid}",
    headers => [Authorization => "Bearer $op->{session}{token}"]);
is($r->{status}, 404, 'sessions stay behind');

# ---- nothing is left in the air: what is still open is denied

my $answer = $sled->await('perm_response', 10);
is($answer->{req_id}, 'open', 'what nobody decided');
is($answer->{payload}{approved}, $false, 'is not approved');
is($answer->{payload}{reason}, 'shutdown', 'because nobody follows');

$sled->expect_close(1012, 'the old sockets are closed');
$op->expect_close(1012, 'all of them');
$browser->expect_close(1012, 'also that of the browser');

ok($t->wait_for(sub { $t->exited }, 15), 'the old one has gone');
is($t->{status}, 0, 'in peace');

# ---- the new one is a gateway like any other

$t->{master} = $new;

my $op2 = $t->operator;
$sled2->ask('again', { n => 3 });
$op2->decide($op2->await('perm_request'), approved => $true);
is($sled2->await('perm_response')->{payload}{approved}, $true,
    'the new one decides');

my ($sled3, $browser3) = $t->terminal(with => $sled2, session => 's2');
$sled3->say('terminal.data', session_id => 's2', data_b64 => 'aGVsbG8=');
is($browser3->shown(5), 'hello', 'and carries terminals');

$t->finish;
done_testing;


# the pid of another master than this one, when all its workers are there

sub master {
    my ($not) = @_;

    my $pid = $t->wait_for(sub {
        my ($pid) = $t->read_file('nginx.pid') =~ /^(\d+)$/;
        return $pid && $pid != $not ? $pid : 0;
    }, 15) or die "no master\n";

    push @masters, $pid;

    local $t->{master} = $pid;

    ok($t->wait_for(sub { $t->workers == 2 }, 15), 'a master, its workers');

    return $pid;
}
