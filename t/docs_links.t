#!/usr/bin/perl

# The pages as a whole: every link leads somewhere, every page is found from
# the README, and what they name of the code is there: directives with their
# contexts and defaults, lines of the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Docs;

my $docs = Uplink::Docs->new;
my @pages = $docs->pages;

cmp_ok(scalar @pages, '>', 5, 'there are pages');

# ---- links

# as readers of Markdown make them from headings

sub anchors {
    my ($page) = @_;

    my %seen;
    my $text = $docs->text($page) =~ s/^```.*?^```//gmsr;

    return map {
        my $name = lc s/`//gr;
        $name =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
        $name =~ s/[^\w\s-]//g;
        $name =~ s/\s/-/g;
        $seen{$name}++ ? "$name-" . ($seen{$name} - 1) : $name;
    } $text =~ /^#+ (.*?)\s*$/mg;
}

my (%to, @broken);

for my $page (@pages) {
    my ($dir) = $page =~ m{^(.*/)} ? $1 : '';
    my $text = $docs->text($page) =~ s/^```.*?^```//gmsr;

    while ($text =~ /\]\(([^)\s]+)\)/g) {
        my $link = $1;

        next if $link =~ /^[a-z]+:/;

        my ($file, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
        my $path = $file eq '' ? $page : "$dir$file";

        1 while $path =~ s{[^/]+/\.\./}{};
        $to{$page}{$path} = 1;

        if (!-e "$Uplink::Docs::root/$path") {
            push @broken, "$page: $link";

        } elsif (defined $anchor && $path =~ /\.md$/
            && !grep { $_ eq $anchor } anchors($path))
        {
            push @broken, "$page: $link";
        }
    }
}

is(join("\n", @broken), '', 'every link leads somewhere');

my %found = ('README.md' => 1);
my @todo = 'README.md';

while (my $page = shift @todo) {
    push @todo, grep { /\.md$/ && !$found{$_}++ } sort keys %{$to{$page}};
}

is($docs->missing(\@pages, [keys %found]), '',
    'every page is found from the README');

my @examples = map { s{^\Q$Uplink::Docs::root\E/}{}r }
    glob "$Uplink::Docs::root/docs/examples/*.* "
        . "$Uplink::Docs::root/conf-examples/*.*";
my %linked = map { %$_ } values %to;

is(join(' ', grep { !$linked{$_} } @examples), '', 'so is every example');

# ---- directives

my $module = 'ngx_uplink_module.c';
my $table = $docs->table($module, 'ngx_uplink_commands');
my (%flags, %field, %enum);

while ($table =~ /\{ \s ngx_string\("(\w+)"\),\s+([\w|]+),\s+\w+,\s+\w+,\s+
                  (?:offsetof\(\w+,\s+([\w.]+)\)|0),\s+(?:&(\w+)|NULL)/gx)
{
    ($flags{$1}, $field{$1}, $enum{$1}) = ($2, $3, $4);
}

cmp_ok(scalar keys %flags, '>', 40, 'the code has directives');

# what a directive is if nobody sets it, as far as a number or a word says it

my %default;

for my $file ($module, 'src/auth/conf.c') {
    my ($text, $prefix) = ($docs->text($file),
        $file eq $module ? '' : 'auth.');

    $default{"$prefix$1"} = $2
        while $text =~ /ngx_conf_merge_\w*value\(conf->([\w.]+),
                        \s+prev->[\w.]+,\s+([^;]*?)\);/gx;
}

my %unit = (ms => 0.001, s => 1, m => 60, h => 3600, d => 86400);
my $all = join '', map { $docs->text($_) } grep { /\.[ch]$/ }
    ($module, 'src/auth/auth.h', 'src/auth/jwt.h', 'src/ngx_uplink.h');

# a constant expression of C, in the unit in which it is kept

sub number {
    my ($text) = @_;

    $text =~ s/\b(NGX_UPLINK_\w+)/$all =~ m{^#define $1\s+(\S+)}m ? $1 : 'x'/ge;
    $text =~ s/\(time_t\)//g;

    return $text =~ /^[\d\s*()]+$/ ? eval $text : undef;
}

for my $name (sort keys %flags) {
    my ($section) = $docs->text('docs/directives.md')
        =~ /^### \Q$name\E\n(.*?)(?=^#|\z)/ms;

    if (!ok($section, "$name has a section")) {
        next;
    }

    my ($head, $rest) = $section =~ /\A\n((?:    [^\n]*\n)+)\n(.*)\z/s;
    my ($context) = ($head // '') =~ /^    Context:  (.*)$/m;
    my ($written) = ($head // '') =~ /^    Default:  (.*)$/m;

    like($head // '', qr/^    Syntax:   \Q$name\E\b[^;]*;$/m, "$name: syntax");
    like($rest // '', qr/^\S.{20}/ms, "$name: what it does");
    like($rest // '', qr/^    (?!Syntax)(?:.*\s)?\Q$name\E(?: [^\n]+)?;/m,
        "$name: an example");

    is($context, $flags{$name} =~ /ANY_CONF/ ? 'http, server, location'
        : $flags{$name} =~ /HTTP_LOC/ ? 'location' : 'http',
        "$name: context");

    ok(defined $written, "$name: default");

    # the list at the top says the same

    my ($row) = $docs->text('docs/directives.md')
        =~ /^\| \[`\Q$name\E`\]\(#\Q$name\E\) \| (.*?) \| .+ \|$/m;

    ok(defined $row, "$name is in the list");
    is($row =~ s/`//gr, ($written // '') =~ s/^\Q$name\E (.*);$/$1/r,
        "$name: with this default");

    my $value = $field{$name} && $default{$field{$name}};

    next if !defined $value;

    if ($enum{$name} && $written =~ /^\Q$name\E (\w+);/) {
        my ($word) = ($1);
        my ($bit) = $docs->table($module, $enum{$name})
            =~ /\{ ngx_string\("$word"\), (\w+) \}/;

        is($bit, $value, "$name: default as in the code")
            unless $value =~ /UNSET/;

    } elsif (defined(my $n = number($value))) {
        my ($count, $unit) = ($written // '')
            =~ /^\Q$name\E (\d+)(ms|[smhdk]?);/;

        next if $table =~ /"$name"\),\s+[\w|]+,\s+ngx_conf_set_flag_slot/;

        my $kind = $table =~ /"$name"\),\s+[\w|]+,\s+ngx_conf_set_(\w+)_slot/
            ? $1 : '';

        $count = defined $count ? $kind eq 'size'
                ? $count * ({ k => 1024, m => 1048576 }->{$unit} // 1)
            : $kind =~ /^m?sec$/
                ? $count * ($unit{$unit || 's'} // 0)
                    * ($kind eq 'msec' ? 1000 : 1)
            : $count : 'none';

        is($count, $n, "$name: default as in the code");
    }
}

# nobody else's, nor one that was renamed

my %unknown;

for my $page (@pages) {
    my $text = $docs->text($page);

    # not a variable, nor a part of another name

    while ($text =~ /(?<![\w\$.\/-])(uplink_[a-z_]+)\b(?!\.)/g) {
        $unknown{"$page: $1"} = 1 if !$flags{$1};
    }
}

is(join("\n", sort keys %unknown), '', 'every directive that is named exists');

# ---- every door has its roles

is($docs->missing([$docs->table('src/door/conf.c', 'ngx_uplink_doors')
    =~ /"(\w+)"/g], [$docs->names($docs->column('docs/security.md',
    'What a credential is good for'))]), '', 'roles of every door');

# ---- counters that are worth an alarm

my @counters = $docs->sources('src/fleet') =~ /\b_\((\w+),/g;

is($docs->missing([grep { /^\w+_\w+$/ && !/^uplink_/ } map { s/^counters\.//r }
    $docs->names($docs->text('docs/operations.md')
    =~ /^## Watching it\n(.*?)^## /ms)], [@counters]), '',
    'the counters that are named exist');

# ---- lines of the log: each piece between the dots stands in a source

my $sources = join '', map { $docs->sources($_) }
    qw(src/auth src/bus src/door src/fleet src/ws ngx_uplink_module.c);

$sources =~ s/"\s*\n\s*"//g;
$sources =~ s/\\"/"/g;

my @lines = $docs->names(map { s/ \(nginx\)//r }
    grep { /^`.*`$/ } $docs->column('docs/operations.md',
    'When something is wrong', 0));

cmp_ok(scalar @lines, '>', 20, 'lines of the log are explained');

for my $line (@lines) {
    my @pieces = grep { length } split /\s*…\s*|"…"/, $line;

    is(join(' … ', grep { index($sources, $_) < 0 } @pieces), '', $line);
}

done_testing;
