#!/usr/bin/perl

# How many terminals one user may have, whatever sleds they are on; others
# are not concerned.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', join '', map {
    "$_:operator:" . sha256_hex("$_-secret") . ":workspaces=w\n"
} qw(olga oskar));

$t->fleet(<<'EOC')->run;
        uplink_max_terminals_per_user 2;

        location = /auth {
            uplink_terminal main issue=i workspace=w sled=$arg_sled;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
EOC

my %sled = map { $_ => $t->sled($_) } qw(alpha beta);

sub visit {
    my ($user, $sled) = @_;

    return $t->browser(path => '/auth', query => "sled=$sled",
        headers => [Authorization => "Bearer $user-secret"]);
}

my @open;

for my $name (qw(alpha beta)) {
    my $ws = visit('olga', $name);
    ok(($sled{$name}->open($ws, "s-$name"))[1], "one on $name");
    push @open, $ws;
}

my $third = visit('olga', 'alpha');
my $m = $third->await('terminal.error');
is($m && $m->{payload}{code}, 'too_many_terminals', 'a third is refused');
$third->expect_close(1013, 'with 1013');

my $other = visit('oskar', 'alpha');
ok(($sled{alpha}->open($other, 'o-alpha'))[1], 'another user may');

$open[0]->close;
is($sled{alpha}->await('terminal.close')->{payload}{session_id}, 's-alpha',
    'one is closed');

my $again = visit('olga', 'beta');
ok(($sled{beta}->open($again, 's2-beta'))[1], 'then there is room');

$_->close for $open[1], $other, $again;

$t->finish;

done_testing;
