#!/usr/bin/perl

# sled audit-verify: a log that nginx has written is whole; whatever is done
# to it afterwards is found, and named by file and line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Audit;

my $t = Uplink::Audit->new;

$t->audit('input=on', 'uplink_permission_timeout 100ms;')->run;

# some lines of both workers

my $op = $t->operator(at => 0);
my $sled = $t->sled('alpha', at => 1);

for my $i (1 .. 6) {
    $sled->ask("r$i", { command => "echo {\"chain\":\"$i" });
    my $q = $op->await('perm_request');
    $op->decide($q, approved => $i % 2 ? JSON::PP::true : JSON::PP::false);
    $sled->answers("r$i");
}

$t->finish;

my @lines = $t->read_file('audit.log') =~ /^(.*\n)/mg;
my @data = $t->lines;

is(scalar @data, scalar @lines, 'every line is JSON');

# a file of these lines, and what is said of it

sub verify {
    my ($name, $code, $re, @text) = @_;

    $t->write_file('copy.log', join '', @text);

    my ($got, $said) = $t->verify('copy.log');

    is($got, $code, "$name: exit code") or diag $said;
    like($said, $re, "$name: what it says");
    return;
}

my $whole = qr/^\d+ lines in 2 chains: whole$/m;

verify('untouched', 0, $whole, @lines);
verify('empty lines', 0, $whole, map { ("\n", $_) } @lines);
verify('no newline at the end', 0, $whole, @lines[0 .. $#lines - 1],
    $lines[-1] =~ s/\n//r);

# the line that is touched: in the middle of a chain, with the next one of
# that chain behind it, not at once perhaps

my ($k) = grep { $data[$_]{event} eq 'asked' && $data[$_]{sled_req_id} eq 'r3' }
    0 .. $#data;

sub in_chain {
    my ($i) = @_;
    my $chain = $data[$i]{chain};

    return grep { $data[$_]{chain} eq $chain } 0 .. $#data;
}

my ($next) = grep { $_ > $k } in_chain($k);
my ($last) = (in_chain($k))[-1];
my $n = $k + 1;

sub changed {
    my ($at, $from, $to) = @_;

    my @copy = @lines;
    $copy[$at] =~ s/$from/$to/ or die "no $from in $copy[$at]";

    return @copy;
}

verify('one byte', 1, qr/^copy\.log:$n: broken: was changed$/m,
    changed($k, 'echo', 'Echo'));
verify('the digest', 1, qr/^copy\.log:$n: broken: was changed$/m,
    changed($k, '"prev":"\w', '"prev":"x'));
verify('the time', 1, qr/^copy\.log:$n: broken: was changed$/m,
    changed($k, '"time_ms":1', '"time_ms":2'));
verify('a member more', 1, qr/^copy\.log:$n: broken: was changed$/m,
    changed($k, '\}$', ',"x":1}'));
verify('the chain', 1, qr/^copy\.log:\d+: broken: is line \d+ of its chain/m,
    changed($k, '"chain":"(.)', '"chain":"' . ($data[$k]{chain} =~ /^0/
        ? 1 : 0)));
verify('no JSON any more', 1,
    qr/^copy\.log:$n: broken: is not whole, and does not come again$/m,
    changed($k, '"tool_name":', '"tool_name"'));
verify('no line at all', 1,
    qr/^copy\.log:$n: broken: not a line of an audit log$/m,
    changed($k, '.*', 'something else'));

verify('the last of a chain', 0, $whole,
    @lines[grep { $_ != $last } 0 .. $#lines]);
verify('a line is removed', 1,
    qr/^copy\.log:$next: broken: is line \d+ of its chain, behind line \d+ /m,
    @lines[grep { $_ != $k } 0 .. $#lines]);

my @swapped = 0 .. $#lines;
@swapped[$k, $next] = @swapped[$next, $k];
verify('two are swapped', 1,
    qr/^copy\.log:$n: broken: is line \d+ of its chain, behind line \d+ /m,
    @lines[@swapped]);
verify('one comes twice', 1,
    qr/^copy\.log:${\($n + 1)}: broken: is line (\d+) of .* behind line \1 /m,
    @lines[0 .. $k, $k .. $#lines]);

# what stands behind the end of a chain

verify('something behind the end', 1,
    qr/^copy\.log:\d+: broken: comes behind the end of its chain$/m,
    @lines, $lines[$last]);

# cut off: the last line is torn, or there is none

my $half = substr $lines[$k], 0, 150;
verify('cut off in a line', 1,
    qr/^copy\.log:$n: broken: torn: the line is cut off/m,
    @lines[0 .. $k - 1], $half);
verify('cut off in the first bytes', 0,
    qr/^copy\.log:$n: torn: only the start/m,
    @lines[0 .. $k - 1], substr $half, 0, 8);

# torn in the middle, as by a full disk: it comes again, behind another one's

verify('torn and written again', 0, qr/^copy\.log:$n: torn: the line comes /m,
    @lines[0 .. $k - 1], $half, "\n", @lines[$k .. $#lines]);

my ($other) = grep { $_ > $k && $data[$_]{chain} ne $data[$k]{chain} }
    0 .. $#data;
my @glued = @lines;
$glued[$k] = $half . $lines[$other];
splice @glued, $other, 1;
splice @glued, $k + 1, 0, $lines[$k];
verify('torn, and another line behind it', 0,
    qr/^copy\.log:$n: torn: the line comes again/m, @glued);
verify('torn, and never again', 1,
    qr/^copy\.log:$n: broken: is not whole, and does not come again$/m,
    @lines[0 .. $k - 1], "$half\n", @lines[$k + 1 .. $#lines]);

# several files; the later one alone is whole as far as it can know

$t->write_file('1.log', join '', @lines[0 .. $k]);
$t->write_file('2.log', join '', @lines[$k + 1 .. $#lines]);

my ($code, $said) = $t->verify('1.log', '2.log');
is($code, 0, 'two files, oldest first');
like($said, $whole, 'and it says so');

is(($t->verify('2.log', '1.log'))[0], 1, 'not the other way round');

($code, $said) = $t->verify('2.log');
is($code, 0, 'the later one alone');
like($said, qr/^2\.log:1: begins with line \d+ of its chain, what was before/m,
    'what it cannot know');
is(($t->verify('--complete', '2.log'))[0], 1, 'which is wrong for some');
is(($t->verify('--complete', '1.log', '2.log'))[0], 0, 'as if it were all');

$t->write_file('1.log', join '', @lines[0 .. $k - 1]);
($code, $said) = $t->verify('1.log', '2.log');
is($code, 1, 'the end of the older one is missing');
like($said, qr/^2\.log:\d+: broken: is line \d+ .*behind line \d+ \(1\.log:/m,
    'where in which file');

# ---- what is no log

for my $case (['none.log'], [''], ['--what', 'audit.log'], ['.']) {
    is(($t->verify(@$case))[0], 2, "2: @$case");
}

done_testing;
