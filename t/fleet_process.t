#!/usr/bin/perl

# Other shapes of nginx: with a cache manager and loader, with one process
# and no master, with many fleets, and with too few ports.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my $true = JSON::PP::true;

sub round {
    my ($t, $name) = @_;

    my $op = $t->operator;
    my $sled = $t->sled('alpha');
    $sled->ask('r', {});
    $op->decide($op->await('perm_request'), approved => $true);
    is($sled->answers('r')->{r}{approved}, $true, $name);
    $sled->goodbye;

    return $op;
}

# cache processes are no workers

my $t = Uplink::Fleet->new;

my $text = $t->fleet_text;
$t->conf("proxy_cache_path %%DIR%%/cache keys_zone=c:1m;\n$text")->run;

round($t, 'with a cache manager');
is(scalar @{$t->status->{workers}}, 2, 'which has no port');
$t->reload;
round($t, 'after a reload');

$t->finish;

# one process

$t = Uplink::Fleet->new;
$t->fleet('', master => 0, workers => 1)->run;

round($t, 'master_process off');
is(scalar @{$t->status->{workers}}, 1, 'one port');

$t->finish;

# fleets do not see each other

$t = Uplink::Fleet->new;
$text = $t->fleet_text;
$text = "uplink_zone second 1m;\n$text";
$text =~ s{(location = /status)}
    {location = /sled2 { uplink_sled second; }
     location /v2/ { uplink_api second; }
     location = /status2 { uplink_status second; }
     $1};
$t->conf($text)->run;

my $op = $t->operator;
my $sled2 = $t->ws('/sled2');
$sled2->send_json({ type => 'perm_request', req_id => 'r', payload => {
    tool_name => 'Bash', tool_input => {} } });
ok($t->wait_for(sub {
    $t->http(GET => '/v2/requests')->json->{requests}[0] }),
    'a request in the second fleet');
is_deeply($t->http(GET => '/v1/requests')->json->{requests}, [],
    'is not in the first');
my $id = $t->http(GET => '/v2/requests')->json->{requests}[0]{req_id};
is($t->decide($id, approved => $true)->status, 404,
    'and cannot be decided there');
ok($op->quiet, 'nor did its operator hear of it');
$sled2->goodbye;

$t->finish;

# a worker without a port says so and refuses

$t = Uplink::Fleet->new;
$text = $t->fleet_text;
$text =~ s/main 1m/main 1m ports=2/;
$t->conf($text, workers => 3)->run;

ok($t->wait_for(sub {
    $t->log =~ /\[crit\].*no free port in uplink zone "main"/ }),
    'too few ports are logged');

my %status;
$status{$t->handshake('/sled')->{status}}++ for 1 .. 60;
is_deeply([sort keys %status], [101, 503],
    'that worker refuses, the others serve');

$t->finish;

done_testing;
